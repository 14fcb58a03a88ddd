package run_test

import (
	"strings"
	"testing"

	"dcsync/internal/resource"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

const shopYAML = `apiVersion: dcsync/v1
kind: Order
metadata: {name: shop}
spec:
  product: ssl_basic
  certificate:
    common_name: shop.example.com
    dns_names: [shop.example.com, www.shop.example.com]
    csr: {file: shop.csr}
    signature_hash: sha256
    server_platform: {id: 2}
  organization: {ref: acme}
  dcv_method: dns-txt-token
  order_validity: {years: 1}
`

func shop(t *testing.T, lifecycle string) map[string]string {
	t.Helper()
	text := shopYAML
	if lifecycle != "" {
		text = lifecycleYAML(text, lifecycle)
	}
	return with(acme(), "shop.yaml", text, "shop.csr", newCSR(t))
}

// duplicate orders one more certificate, as somebody would in the console.
func (w *world) duplicate(csr string) {
	w.Helper()
	if status, err := w.as("POST", "/order/certificate/880001/duplicate", map[string]any{"skip_approval": true, "certificate": map[string]any{
		"common_name": "shop.example.com", "dns_names": []string{"www.shop.example.com"}, "csr": csr, "signature_hash": "sha256"}}); err != nil || status != 201 {
		w.Fatalf("duplicate: %d %v", status, err)
	}
}

// Adding a name or another key ends nothing; taking a name away makes DigiCert revoke the certificate and its duplicates, which the plan
// names one by one.
func TestReissueOfTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, shop(t, "key: reuse"))
	w.mustApply()
	if status := w.object("orders", "880001")["status"]; status != "issued" {
		t.Fatalf("the order is %v", status)
	}
	first := w.object("orders", "880001")["certificate"].(map[string]any)["serial_number"].(string)
	w.converged()
	w.duplicate(newCSR(t))
	w.mustApply()

	w.edit("shop.yaml", "www.shop.example.com]", "www.shop.example.com, pay.shop.example.com]")
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.ReissueNow, "Order/shop"); len(c.Revokes) != 0 {
		t.Errorf("adding a name revokes %v", c.Revokes)
	}
	w.mustApply()
	w.converged()
	w.write("shop.csr", newCSR(t))
	w.mustApply()
	w.converged()

	w.edit("shop.yaml", "www.shop.example.com, ", "")
	c := w.change(w.plan(reconcile.RefreshAuto), resource.Blocked, "Order/shop")
	if !strings.Contains(c.Reason, "reissue-revoking") {
		t.Errorf("%s", c.Reason)
	}
	w.edit("shop.yaml", "key: reuse", "key: reuse, allow: [reissue-revoking]")
	p := w.planLoosely()
	c = w.change(p, resource.ReissueNow, "Order/shop")
	if text := strings.Join(c.Revokes, "; "); len(c.Revokes) != 4 || !strings.Contains(text, "duplicate ") || !strings.Contains(text, first) || p.Changes[0] != c {
		t.Errorf("it revokes %s, without the first one of all, %s", text, first) // and the current one, the one it replaced, and the duplicate
	}
	w.mustApply(destroyOne)
	w.converged()
	if n := w.object("orders", "880001")["reissues_count"]; n != 3.0 {
		t.Errorf("%v reissues", n)
	}
}

// The key of the current certificate needs consent for the next one.
func TestReissueKeepsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, shop(t, ""))
	w.mustApply()
	w.edit("shop.yaml", "www.shop.example.com]", "www.shop.example.com, pay.shop.example.com]")
	w.mustBlock("Order/shop", "lifecycle.key: reuse")
	w.write("shop.csr", newCSR(t))
	w.mustApply()
	w.converged()
}

// A certificate of 199 days in an order of a year is reissued once, and then the order is renewed.
func TestLifeOfTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, shop(t, "renew_before: 30d, key: reuse"))
	w.mustApply()
	var done []string
	for range 40 {
		w.pass(10)
		for _, r := range w.mustApply().Ledger.Results {
			done = append(done, string(r.Action))
		}
	}
	w.want("what time asked for", done, "reissue", "renew")
	w.holds(1, 2)
	w.converged()
}

// The revocation of an order names the duplicates that die with it, and a single certificate can be revoked by its serial number.
func TestRetireTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, shop(t, ""))
	w.mustApply()
	w.duplicate(newCSR(t))
	w.write("shop.yaml", strings.Replace(retireYAML(shopYAML, "action: revoke, reason: superseded"), "target: current", "target: certificate:0123", 1))
	w.mustBlock("Order/shop", "has no certificate 0123")
	serial := w.object("orders", "880001")["certificate"].(map[string]any)["serial_number"].(string)
	w.edit("shop.yaml", "certificate:0123", "certificate:"+serial)
	w.mustApply()
	if status := w.object("orders", "880001")["status"]; status != "issued" {
		t.Errorf("the order is %v", status)
	}
	w.converged()
	w.edit("shop.yaml", "certificate:"+serial, "current")
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.Revoke, "Order/shop"); len(c.Revokes) == 0 || !strings.Contains(strings.Join(c.Revokes, ";"), "duplicate ") {
		t.Errorf("it revokes %v", c.Revokes)
	}
	w.mustApply()
	w.converged()
}

// A reissue asks for all that the manifest says of the certificate: a name that somebody added in the account would be lost, and with it
// the certificates.
func TestReissueLosesDriftedName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, shop(t, ""))
	w.mustApply()
	if status, err := w.as("POST", "/order/certificate/880001/reissue", map[string]any{"skip_approval": true, "certificate": map[string]any{
		"common_name": "shop.example.com", "dns_names": []string{"www.shop.example.com", "pay.shop.example.com"}, "csr": newCSR(t), "signature_hash": "sha256"}}); err != nil || status != 201 {
		t.Fatalf("reissue: %d %v", status, err)
	}
	if p := w.plan(reconcile.RefreshFull); !p.HasDrift() || p.HasIntent() {
		t.Errorf("%v", changes(p))
	}
	w.mustApply()
	w.write("shop.csr", newCSR(t))
	w.mustBlock("Order/shop", "the reissue makes DigiCert revoke")
	w.write("shop.yaml", lifecycleYAML(shopYAML, "allow: [reissue-revoking]"))
	c := w.change(w.planLoosely(), resource.ReissueNow, "Order/shop")
	if len(c.Fields) != 2 || len(c.Revokes) == 0 {
		t.Errorf("fields %v, revokes %v", c.Fields, c.Revokes)
	}
	w.mustApply(destroyOne)
	w.converged()
}
