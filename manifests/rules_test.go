package manifests

import (
	"os"
	"testing"
	"time"

	"dcsync/internal/diag"
	"dcsync/schema"
	"dcsync/schema/fixture"
)

// Every fixture of the tables' rules gets the verdict that it names, with the checks of this package.
func TestRuleFixtures(t *testing.T) {
	t.Parallel()
	cases, err := fixture.Read(os.DirFS("../testdata/rules"))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range cases {
		var found []fixture.Reported
		for _, v := range schema.Check(c.Kind, c.Doc, checks(at)) {
			place := string(v.Path)
			if v.Member != "" {
				place += "+" + v.Member
			}
			found = append(found, fixture.Reported{Finding: fixture.Finding{Code: string(v.Code), At: place}, IsError: v.Severity == diag.Error, Text: v.Summary})
		}
		for _, problem := range c.Problems(found) {
			t.Errorf("%s: [%s %s]: %s", c.Place, c.Field, c.Rule, problem)
		}
	}
}

// Dates are held against the calendar only where somebody says what day it is, and lengths always.
func TestCalendar(t *testing.T) {
	t.Parallel()
	doc := func(validity string) map[string]string {
		return map[string]string{"manifests/a.yaml": `apiVersion: dcsync/v1
kind: Order
metadata: {name: a}
spec:
  product: code_signing
  certificate: {signature_hash: sha256}
  cs_provisioning_method: ship_token
  organization: {id: 1}
  order_validity: ` + validity + "\n"}
	}
	noon := func(day string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", day+" 12:00")
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	tests := []struct {
		name, validity string
		at             time.Time
		want           string
	}{
		{"past, without a day", `{custom_expiration_date: "09 JUN 2025"}`, time.Time{}, ""},
		{"past", `{custom_expiration_date: "09 JUN 2025"}`, noon("2026-04-01"), "09 JUN 2025 is in the past"},
		{"the day itself", `{custom_expiration_date: "09 JUN 2026"}`, noon("2026-06-09"), ""},
		{"the day after", `{custom_expiration_date: "09 JUN 2026"}`, noon("2026-06-10"), "09 JUN 2026 is in the past"},
		{"459 days ahead", `{custom_expiration_date: "04 JUL 2027"}`, noon("2026-04-01"), ""},
		{"461 days ahead", `{custom_expiration_date: "06 JUL 2027"}`, noon("2026-04-01"), "custom_expiration_date 06 JUL 2027 is longer than the 459 days that are issued at most"},
		{"459 days", `{days: 459}`, time.Time{}, ""},
		{"460 days", `{days: 460}`, time.Time{}, "days must be 459 or less"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, err := LoadAt(t.Context(), project(t, doc(tt.validity)), tt.at)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			for _, d := range l.Findings {
				got += d.Summary
				if d.Severity != diag.Warning || !d.AtSend || d.Detail == "" {
					t.Errorf("not a warning that counts when it is sent: %+v", d)
				}
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if l.Set == nil {
				t.Error("the manifest is refused")
			}
		})
	}
}
