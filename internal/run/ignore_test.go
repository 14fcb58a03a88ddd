package run_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// body gives the body of the one write recorded since the last call whose path ends so.
func (w *world) body(t *testing.T, method, suffix string) map[string]any {
	t.Helper()
	var found []call
	for _, c := range w.sent.take() {
		if c.Method == method && strings.HasSuffix(c.Path, suffix) {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d calls of %s …%s, want one", len(found), method, suffix)
	}
	return tree(t, found[0].Body)
}

// names gives the names in the certificate of an order, or of a body, sorted.
func names(of map[string]any) []string {
	var out []string
	cert, _ := of["certificate"].(map[string]any)
	list, _ := cert["dns_names"].([]any)
	for _, n := range list {
		out = append(out, n.(string))
	}
	slices.Sort(out)
	return out
}

// console reissues an order outside git, for other names.
func (w *world) console(t *testing.T, id, csr string, dns ...string) {
	t.Helper()
	if status, err := w.as("POST", "/order/certificate/"+id+"/reissue", map[string]any{"skip_approval": true, "certificate": map[string]any{
		"common_name": "shop.example.com", "dns_names": dns, "csr": csr, "signature_hash": "sha256", "server_platform": map[string]any{"id": 2}}}); err != nil || status != 201 {
		t.Fatalf("reissue: %d %v", status, err)
	}
}

// A reissue, a renewal and a replacement ask for the whole certificate: names that are left to others are asked for as they are in the account, so
// that none of them is lost and nothing dies of it.
func TestIgnoredNamesAreKept(t *testing.T) {
	t.Parallel()
	live := []string{"pay.shop.example.com", "shop.example.com"}
	for _, test := range []struct {
		name, lifecycle, path string
		action                resource.Action
		ask                   func(*testing.T, *world)
	}{
		{"a new key", "", "/880001/reissue", resource.ReissueNow, func(t *testing.T, w *world) { w.write("shop.csr", newCSR(t)) }},
		{"the end of the certificate", "renew_before: 30d, key: reuse", "/880001/reissue", resource.ReissueNow, func(_ *testing.T, w *world) { w.pass(180) }},
		{"the end of the order", "renew_before: 30d, key: reuse", "/ssl_basic", resource.RenewOrder, func(t *testing.T, w *world) {
			w.pass(180)
			w.mustApply()
			w.pass(170)
		}},
		{"what is fixed", "apply_changes: now, allow: [replace]", "/ssl_basic", resource.Replace, func(_ *testing.T, w *world) { w.edit("shop.yaml", "{years: 1}", "{days: 300}") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			files := shop(t, strings.TrimSuffix("ignore: [/certificate/dns_names, /additional_emails], "+test.lifecycle, ", "))
			files["shop.yaml"] = strings.Replace(files["shop.yaml"], "  dcv_method", "  additional_emails: [pki@example.com]\n  dcv_method", 1)
			w := newWorld(t, sandbox.Options{}, files)
			w.mustApply()
			applied := w.entry("Order", "shop").Applied.Spec.Clone()
			w.console(t, "880001", files["shop.csr"], live...)
			w.patch("order", "880001", map[string]any{"additional_emails": []string{"else@example.com"}})
			w.mustApply()
			w.converged()
			test.ask(t, w)
			w.sent.take()
			c := w.change(w.planLoosely(), test.action, "Order/shop")
			if len(c.Revokes) != 0 {
				t.Errorf("it revokes %v", c.Revokes)
			}
			w.mustApply(destroyOne)
			body := w.body(t, "POST", test.path)
			if d := cmp.Diff(live, names(body)); d != "" {
				t.Errorf("names that were asked for (-want +got):\n%s", d)
			}
			if d := cmp.Diff([]any{"else@example.com"}, body["additional_emails"]); d != "" && test.action.Orders() {
				t.Errorf("emails that were asked for (-want +got):\n%s", d)
			}
			if d := cmp.Diff(live, names(w.object("orders", w.entry("Order", "shop").Identity.ID))); d != "" {
				t.Errorf("names in the account (-want +got):\n%s", d)
			}
			for _, p := range []resource.Path{"/certificate/dns_names", "/additional_emails"} {
				if d := cmp.Diff(resource.Get(applied, p), resource.Get(w.entry("Order", "shop").Applied.Spec, p)); d != "" {
					t.Errorf("%s is recorded as applied (-want +got):\n%s", p, d)
				}
			}
			w.converged()
		})
	}
}

// An ignored common name is in the body as it is in the account, and counts among the names that are compared and that would be lost.
func TestIgnoredCommonName(t *testing.T) {
	t.Parallel()
	files := shop(t, "ignore: [/certificate/common_name]")
	files["shop.yaml"] = strings.Replace(files["shop.yaml"], "[shop.example.com, www", "[www", 1)
	w := newWorld(t, sandbox.Options{}, files)
	w.mustApply()
	if status, err := w.as("POST", "/order/certificate/880001/reissue", map[string]any{"skip_approval": true, "certificate": map[string]any{
		"common_name": "pay.shop.example.com", "dns_names": []string{"www.shop.example.com"}, "csr": files["shop.csr"], "signature_hash": "sha256"}}); err != nil || status != 201 {
		t.Fatalf("reissue: %d %v", status, err)
	}
	w.mustApply(full)
	w.converged()
	w.write("shop.csr", newCSR(t))
	if c := w.change(w.plan(reconcile.RefreshAuto), resource.ReissueNow, "Order/shop"); len(c.Revokes) != 0 {
		t.Errorf("it revokes %v", c.Revokes)
	}
	w.mustApply()
	if cert := w.object("orders", "880001")["certificate"].(map[string]any); cert["common_name"] != "pay.shop.example.com" {
		t.Errorf("the certificate is for %v", cert["common_name"])
	}
	w.converged()
}

// A CSR that is left to others is asked for again as it is: that keeps the key, which needs consent.
func TestIgnoredCSR(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, shop(t, "ignore: [/certificate/csr]"))
	w.mustApply()
	theirs := newCSR(t)
	w.console(t, "880001", theirs, "www.shop.example.com")
	w.mustApply()
	w.edit("shop.yaml", "www.shop.example.com]", "www.shop.example.com, pay.shop.example.com]")
	w.mustBlock("Order/shop", "out of lifecycle.ignore")
	w.edit("shop.yaml", "lifecycle: {", "lifecycle: {key: reuse, ")
	w.sent.take()
	w.mustApply()
	if got := w.body(t, "POST", "/reissue")["certificate"].(map[string]any)["csr"]; got != theirs {
		t.Errorf("the CSR that was asked for is %v", got)
	}
	w.converged()
}

// What the manifest says of an ignored field was never applied: state keeps what was, so that the day it is no longer ignored the difference is
// an intent and nobody's drift.
func TestIgnoredIsNotRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, shop(t, "ignore: [/certificate/csr, /certificate/dns_names]"))
	w.mustApply()
	before := w.entry("Order", "shop").Applied.Spec.Clone()
	w.write("shop.csr", newCSR(t))
	w.edit("shop.yaml", "www.shop.example.com]", "www.shop.example.com, pay.shop.example.com]")
	w.mustApply()
	w.converged()
	if d := cmp.Diff(before, w.entry("Order", "shop").Applied.Spec); d != "" {
		t.Errorf("applied (-want +got):\n%s", d)
	}
	w.edit("shop.yaml", "lifecycle: {ignore: [/certificate/csr, /certificate/dns_names]}\n", "")
	w.want("no longer ignored", changes(w.plan(reconcile.RefreshAuto)), "reissue Order/shop (intent) /certificate/dns_names=intent /certificate/csr=intent")
	w.mustApply()
	w.converged()
	if d := cmp.Diff([]string{"pay.shop.example.com", "shop.example.com", "www.shop.example.com"}, names(w.object("orders", "880001"))); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
}

// A field that the manifest never wrote and that others fill is carried to the next order, and is not dcsync's to empty for that, whatever the
// run that placed the order died of. The key of that order is known as it was sent.
func TestIgnoredAndNeverWritten(t *testing.T) {
	t.Parallel()
	for _, loss := range []string{"none", "answer", "state"} {
		t.Run(loss, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, shop(t, "ignore: [/additional_emails, /certificate/csr], renew_before: 30d, key: reuse"))
			w.mustApply()
			theirs := newCSR(t)
			w.console(t, "880001", theirs, "www.shop.example.com")
			w.patch("order", "880001", map[string]any{"additional_emails": []string{"else@example.com"}})
			w.pass(180)
			w.mustApply()
			w.pass(170)
			if loss == "answer" {
				w.fault("POST /order/certificate/ssl_basic", "drop_after", 1)
			}
			before := w.stateBytes()
			w.mustApply()
			if loss == "state" {
				w.restore(before)
				w.mustApply()
			}
			w.holds(1, 2)
			e := w.entry("Order", "shop")
			if d := cmp.Diff([]any{"else@example.com"}, w.object("orders", e.Identity.ID)["additional_emails"]); d != "" {
				t.Errorf("emails (-want +got):\n%s", d)
			}
			if got := resource.Get(e.Applied.Spec, "/certificate/csr"); got != resource.String(theirs) {
				t.Errorf("the order was placed with the CSR\n%sand the state has\n%v", theirs, got)
			}
			w.edit("shop.yaml", "/additional_emails, ", "")
			w.mustApply(full)
			w.converged()
			if d := cmp.Diff([]any{"else@example.com"}, w.object("orders", e.Identity.ID)["additional_emails"]); d != "" {
				t.Errorf("emails after they are ignored no longer (-want +got):\n%s", d)
			}
		})
	}
}

// The first order of a generation has nobody else's values to keep: it is asked for as the manifest says.
func TestIgnoredAtFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", driverYAML+"lifecycle: {ignore: [/additional_emails, /notes]}\n"))
	w.mustApply()
	w.patch("order", "880001", map[string]any{"additional_emails": []string{"else@example.com"}})
	w.do("880001", "revoke")
	w.edit("driver.yaml", "lifecycle: {", "lifecycle: {generation: 2, ")
	w.mustApply()
	if d := cmp.Diff([]any{"pki@example.com"}, w.object("orders", "880002")["additional_emails"]); d != "" {
		t.Errorf("emails of the second order (-want +got):\n%s", d)
	}
	w.want("notes", w.noteTexts("880002"), "ticket 1")
	w.converged()
}

// The call that puts a contact sends all of it: a member that is left to others is sent back as it is.
func TestIgnoredContactMember(t *testing.T) {
	t.Parallel()
	driver := driverYAML + "  technical_contact: {first_name: Tess, last_name: Tech, email: tess@example.com, telephone: 801-555-0103}\n" +
		"lifecycle: {contacts: follow, ignore: [/technical_contact/telephone, /organization_contact/telephone]}\n"
	org := strings.Replace(acmeYAML, "technical_contact: {ref: sam}", "technical_contact: {first_name: Tess, last_name: Tech, email: tess@example.com, telephone: 801-555-0103}", 1) +
		"lifecycle: {ignore: [/technical_contact/telephone, /organization_contact/telephone]}\n"
	for _, test := range []struct{ kind, file, list, id string }{{"order", "driver.yaml", "orders", "880001"}, {"organization", "acme.yaml", "organizations", "70001"}} {
		for what, edit := range map[string][2]string{"another title": {"email: tess@example.com", "email: tess@example.com, job_title: Lead"},
			"another person": {"first_name: Tess, last_name: Tech, email: tess@", "first_name: Tom, last_name: Tech, email: tom@"}} {
			t.Run(test.kind+", "+what, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, sandbox.Options{}, with(acme(), "acme.yaml", org, "driver.yaml", driver))
				w.mustApply()
				id := w.entry(strings.ToUpper(test.kind[:1])+test.kind[1:], map[string]string{"order": "driver", "organization": "acme"}[test.kind]).Identity.ID
				theirs := w.object(test.list, id)["technical_contact"].(map[string]any)
				theirs["telephone"] = "801-555-0199"
				w.patch(test.kind, id, map[string]any{"technical_contact": theirs})
				w.converged()
				w.edit(test.file, edit[0], edit[1])
				w.mustApply()
				if got := w.object(test.list, id)["technical_contact"].(map[string]any)["telephone"]; got != "801-555-0199" {
					t.Errorf("the telephone is %v", got)
				}
				w.converged()
			})
		}
	}
}
