package run_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/resource"
	"dcsync/internal/sandbox"
	"dcsync/reconcile"
)

// Each field that can be changed in place: what the manifest wants, what somebody else makes of it, and whether the list shows that.
var inPlaceFields = []struct {
	name   string
	path   resource.Path
	intent [2]string      // in driver.yaml or acme.yaml
	drift  map[string]any // of the object in the account
	same   map[string]any // the drift that meets the intent
	org    bool
	listed bool
}{
	{name: "emails", path: "/additional_emails", intent: [2]string{"[pki@example.com]", "[new@example.com]"},
		drift: map[string]any{"additional_emails": []string{"else@example.com"}}, same: map[string]any{"additional_emails": []string{"new@example.com"}}},
	{name: "renewal message", path: "/custom_renewal_message", intent: [2]string{"custom_renewal_message: Soon", "custom_renewal_message: Now"},
		drift: map[string]any{"custom_renewal_message": "Later"}, same: map[string]any{"custom_renewal_message": "Now"}},
	{name: "renewal notices", path: "/disable_renewal_notifications", listed: true},
	{name: "custom fields", path: "/custom_fields", listed: true, intent: [2]string{"value: cost-1", "value: cost-2"},
		drift: map[string]any{"custom_fields": []any{map[string]any{"metadata_id": 12, "label": "Cost center", "value": "cost-9"}}},
		same:  map[string]any{"custom_fields": []any{map[string]any{"metadata_id": 12, "label": "Cost center", "value": "cost-2"}}}},
	{name: "order contact", path: "/organization_contact/job_title", intent: [2]string{"job_title: Lead", "job_title: Chief"},
		drift: map[string]any{"organization_contact": map[string]any{"job_title": "Nobody"}}, same: map[string]any{"organization_contact": map[string]any{"job_title": "Chief"}}},
	{name: "organization contact", path: "/organization_contact/job_title", org: true, intent: [2]string{"job_title: Officer", "job_title: Chief"},
		drift: map[string]any{"organization_contact": map[string]any{"job_title": "Nobody"}}, same: map[string]any{"organization_contact": map[string]any{"job_title": "Chief"}}},
	{name: "technical contact", path: "/technical_contact/telephone", org: true, intent: [2]string{`telephone: "1"`, `telephone: "2"`},
		drift: map[string]any{"technical_contact": map[string]any{"telephone": "9"}}, same: map[string]any{"technical_contact": map[string]any{"telephone": "2"}}},
	{name: "notes", path: "/notes", intent: [2]string{`["ticket 1"]`, `["ticket 1", "ticket 2"]`},
		drift: map[string]any{"notes": []any{}}, same: map[string]any{"notes": []any{
			map[string]any{"id": 3301, "date_created": "", "text": "ticket 1", "user": map[string]any{"id": 9001, "first_name": "Ada", "last_name": "Admin"}},
			map[string]any{"id": 3305, "date_created": "", "text": "ticket 2", "user": map[string]any{"id": 9001, "first_name": "Ada", "last_name": "Admin"}}}}},
}

func driftProject() map[string]string {
	return map[string]string{
		"acme.yaml": strings.NewReplacer("{ref: jane}", "{first_name: Jane, last_name: Doe, email: jane@example.com, job_title: Officer}",
			"{ref: sam}", `{first_name: Sam, last_name: Roe, email: sam@example.com, telephone: "1"}`).Replace(acmeYAML),
		"driver.yaml": strings.NewReplacer("ref: ruth", "first_name: Ruth, last_name: Park, email: ruth@example.com, job_title: Counsel, telephone: 801-555-0102",
			"{ref: jane}", "{first_name: Jane, last_name: Doe, email: jane@example.com, job_title: Lead}").Replace(driverYAML) +
			"  custom_renewal_message: Soon\n  disable_renewal_notifications: true\n  custom_fields: [{metadata_id: 12, value: cost-1}]\n",
	}
}

// Intent and drift are told apart for every field, and what both made the same needs no call.
func TestIntentAndDrift(t *testing.T) {
	t.Parallel()
	for _, f := range inPlaceFields {
		if f.intent[0] == "" { // a boolean has no third value: only intent and drift
			f.intent = [2]string{"disable_renewal_notifications: true", "disable_renewal_notifications: false"}
			f.same = map[string]any{"disable_renewal_notifications": false}
			f.drift = f.same
		}
		for _, side := range []string{"intent", "drift", "both", "converged"} {
			if side == "both" && f.path == "/disable_renewal_notifications" {
				continue
			}
			t.Run(f.name+"/"+side, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, sandbox.Options{IssueAfter: 1 << 50}, driftProject())
				w.mustApply()
				file, kind, id, address := "driver.yaml", "order", "880001", "Order/driver"
				if f.org {
					file, kind, id, address = "acme.yaml", "organization", "70011", "Organization/acme"
				}
				if side != "drift" {
					w.edit(file, f.intent[0], f.intent[1])
				}
				switch side {
				case "drift", "both":
					w.patch(kind, id, f.drift)
				case "converged":
					w.patch(kind, id, f.same)
				}
				auto, all := w.plan(reconcile.RefreshAuto), w.plan(reconcile.RefreshFull)
				origin, trigger := side, "intent"
				if side == "drift" {
					trigger = "drift"
				}
				want := []string{"update " + address + " (" + trigger + ") " + string(f.path) + "=" + origin}
				if side == "converged" {
					want = nil
				}
				w.want("full plan", changes(all), want...)
				if side == "drift" && !f.listed {
					want = nil // only a single read shows it
				}
				w.want("auto plan", changes(auto), want...)
				if side != "converged" {
					if all.HasIntent() != (side != "drift") || all.HasDrift() != (side == "drift" || side == "both") || all.HasBlockedIntent() {
						t.Errorf("intent %v, drift %v, blocked %v", all.HasIntent(), all.HasDrift(), all.HasBlockedIntent())
					}
				}
				w.sent.take()
				w.mustApply(full)
				if n := len(w.sent.take()); (n == 0) != (side == "converged") {
					t.Errorf("%d writes", n)
				}
				w.converged()
			})
		}
	}
}

// What cannot be changed in place is never touched: drift is told, intent waits or is blocked, each with the right word.
func TestWhatCannotBeChanged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		file     string
		from, to string
		kind, id string
		drift    map[string]any
		want     string
		blocked  bool // an intent
		isDrift  bool // moves the exit code
	}{
		{name: "organization corrected by DigiCert", kind: "organization", id: "70011", drift: map[string]any{"city": "Lehi City"},
			want: "blocked Organization/acme (drift) /city=drift"},
		{name: "organization details wanted", file: "acme.yaml", from: "city: Lehi", to: "city: Provo", want: "blocked Organization/acme (intent) /city=intent", blocked: true},
		{name: "validity wanted", file: "driver.yaml", from: "years: 1", to: "years: 2", want: "deferred Order/driver (intent) /order_validity/years=intent"},
		{name: "provisioning drifted", kind: "order", id: "880001", drift: map[string]any{"cs_provisioning_method": "email"},
			want: "blocked Order/driver (drift) /cs_provisioning_method=drift", isDrift: true},
		{name: "reissue wanted", file: "driver.yaml", from: "signature_hash: sha256", to: "signature_hash: sha256, organization_units: [Drivers]",
			want: "blocked Order/driver (intent) /certificate/organization_units=intent", blocked: true},
		{name: "contact of an issued order wanted", file: "contacts.yaml", from: "job_title: Officer", to: "job_title: CISO",
			want: "deferred Order/driver (intent) /organization_contact/job_title=intent"},
		{name: "contact of an issued order drifted", kind: "order", id: "880001", drift: map[string]any{"organization_contact": map[string]any{"job_title": "Nobody"}},
			want: "blocked Order/driver (drift) /organization_contact/job_title=drift", isDrift: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			files := with(acme(), "driver.yaml", driverYAML)
			if test.file == "contacts.yaml" {
				files["acme.yaml"] = strings.Replace(acmeYAML, "{ref: jane}", "{ref: sam}", 1)
			}
			w := newWorld(t, sandbox.Options{}, files)
			w.mustApply()
			if test.file != "" {
				w.edit(test.file, test.from, test.to)
			} else {
				w.patch(test.kind, test.id, test.drift)
			}
			p := w.plan(reconcile.RefreshFull)
			w.want("plan", changes(p), test.want)
			if p.HasBlockedIntent() != test.blocked || p.HasDrift() != test.isDrift || p.HasIntent() {
				t.Errorf("blocked intent %v, drift %v, intent %v", p.HasBlockedIntent(), p.HasDrift(), p.HasIntent())
			}
			w.sent.take()
			a, err := w.apply(full)
			if err != nil {
				t.Fatal(err)
			}
			w.want("writes", w.writes())
			var want []string
			if test.blocked {
				want = []string{"blocked " + strings.Fields(test.want)[1] + ": blocked"}
			}
			w.want("results", outcomes(a), want...)
			w.want("plan after the apply", changes(w.plan(reconcile.RefreshFull)), test.want)
			if test.file == "" {
				return
			}
			w.want("auto plan after the apply", changes(w.plan(reconcile.RefreshAuto)), test.want)
			w.edit(test.file, test.to, test.from)
			w.mustApply(full)
			w.converged()
		})
	}
}

// Fields named in lifecycle.ignore are left to others, whoever moves.
func TestIgnoredFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, with(acme(), "driver.yaml", driverYAML+"lifecycle: {ignore: [/additional_emails]}\n"))
	w.mustApply()
	w.patch("order", "880001", map[string]any{"additional_emails": []string{"else@example.com"}})
	w.converged()
	w.edit("driver.yaml", "pki@", "other@")
	w.sent.take()
	w.mustApply(full)
	w.want("writes", w.writes())
	w.converged()
}

// Others own items of the lists dcsync writes to.
func TestOthersItems(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, driftProject())
	w.mustApply()
	theirs := func(id int, text string) map[string]any {
		return map[string]any{"id": id, "date_created": "", "text": text, "user": map[string]any{"id": 9002, "first_name": "Sam", "last_name": "Standard"}}
	}
	ours := map[string]any{"id": 3301, "date_created": "", "text": "ticket 1", "user": map[string]any{"id": 9001, "first_name": "Ada", "last_name": "Admin"}}
	w.patch("order", "880001", map[string]any{
		"notes": []any{ours, theirs(3400, "private words"), theirs(3401, "ticket 1"), theirs(3402, "ticket 7")},
		"custom_fields": []any{map[string]any{"metadata_id": 12, "label": "Cost center", "value": "cost-1"},
			map[string]any{"metadata_id": 13, "label": "Team", "value": "theirs"}}})
	w.want("plan", changes(w.plan(reconcile.RefreshFull))) // nothing of theirs is a difference
	w.mustApply()
	w.converged()

	// A text that stands there already is not posted again, and our own note alone is deleted.
	w.edit("driver.yaml", `["ticket 1"]`, `["ticket 7"]`)
	p := w.plan(reconcile.RefreshFull)
	for _, f := range w.change(p, resource.Update, "Order/driver").Fields {
		if strings.Contains(resourceText(f.Before)+resourceText(f.After), "private words") {
			t.Errorf("the plan shows somebody else's note: %+v", f)
		}
	}
	w.sent.take()
	w.mustApply()
	w.want("writes", w.writes(), "DELETE /order/certificate/880001/note/3301")
	w.want("notes", w.noteTexts("880001"), "private words", "ticket 1", "ticket 7")
	w.converged()

	// Nor is theirs deleted when the line goes.
	w.edit("driver.yaml", `  notes: ["ticket 7"]`+"\n", "")
	w.edit("driver.yaml", "value: cost-1", "value: cost-2")
	w.mustApply()
	w.want("notes", w.noteTexts("880001"), "private words", "ticket 1", "ticket 7")
	values := map[string]string{}
	for _, f := range w.object("orders", "880001")["custom_fields"].([]any) {
		values[f.(map[string]any)["label"].(string)] = f.(map[string]any)["value"].(string)
	}
	if d := cmp.Diff(map[string]string{"Cost center": "cost-2", "Team": "theirs"}, values); d != "" {
		t.Errorf("custom fields (-want +got):\n%s", d)
	}
	w.converged()
}

func resourceText(v resource.Value) string {
	var out []string
	if l, ok := v.(resource.List); ok {
		for _, e := range l {
			out = append(out, resource.Text(e))
		}
	}
	return strings.Join(out, " ")
}

// The organization's contact call erases what it is not sent: what nobody declares is read and sent back, what was declared and is no
// longer written is cleared.
func TestUndeclaredContactFieldsSurvive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, driftProject())
	w.mustApply()
	contact := func() map[string]any {
		return w.object("organizations", "70011")["organization_contact"].(map[string]any)
	}
	w.patch("organization", "70011", map[string]any{"organization_contact": map[string]any{"telephone": "555", "telephone_extension": "7"}})
	w.edit("acme.yaml", "job_title: Officer", "job_title: CISO")
	w.mustApply()
	if c := contact(); c["job_title"] != "CISO" || c["telephone"] != "555" || c["telephone_extension"] != "7" {
		t.Errorf("after a declared field changed: %v", c)
	}
	w.converged()
	w.edit("acme.yaml", ", job_title: CISO", "")
	w.mustApply()
	if c := contact(); c["job_title"] != nil || c["telephone"] != "555" || c["telephone_extension"] != "7" {
		t.Errorf("after a declared field was removed: %v", c)
	}
	w.converged()
	w.edit("acme.yaml", "first_name: Jane", "first_name: Joan")
	w.mustApply()
	if c := contact(); c["first_name"] != "Joan" || c["telephone"] != nil {
		t.Errorf("another person has the telephone of the one before: %v", c)
	}
	w.converged()
}

// Fields of which the API takes no notice are not compared: what a warning says is ignored, or overridden by another field.
func TestUnheardFields(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, from, to string }{
		{"ignored", "    signature_hash: sha256\n", "    signature_hash: sha256\n    organization_units: [IT]\n"},
		{"days", "{years: 1}", "{years: 1, days: 200}"},
		{"custom date", "{years: 1}", `{days: 200, custom_expiration_date: "09 DEC 2026"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, shop(t, ""))
			w.edit("shop.yaml", tt.from, tt.to)
			w.mustApply()
			w.converged()
			w.lose()
			w.mustApply()
			w.converged()
		})
	}
	t.Run("sent afterwards", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, sandbox.Options{}, with(acme(), "mail.yaml", strings.Replace(mailYAML, "  order_validity", "  auto_reissue: 1\n  order_validity", 1)))
		w.mustApply()
		w.lose()
		w.mustApply()
		w.converged()
	})
}
