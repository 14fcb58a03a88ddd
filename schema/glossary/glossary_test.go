package glossary

import (
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rows is how many entries the source gives each list.
var rows = map[string]int{
	"access_roles": 5, "api_key_roles": 4, "certificate_formats": 9, "custom_field_types": 5,
	"currencies": 9, "locales": 11, "cs_provisioning_methods": 3, "csr_requirements": 4,
	"dcv_methods": 4, "hash_types": 4, "http_statuses": 14, "order_statuses": 10,
	"products": 48, "platforms_tls": 47, "platforms_code_signing": 7, "platforms_ev_code_signing": 17,
	"subaccount_currencies": 32, "subaccount_types": 4, "user_statuses": 3,
	"organization_statuses": 2, "organization_validation_statuses": 4,
	"countries": 249, "contact_types": 3, "payment_methods": 3, "validation_types": 6, "shipping_methods": 2,
}

func TestRowsPerList(t *testing.T) {
	got := map[string]int{}
	for _, topic := range Topics() {
		l, ok := Lookup(topic)
		if !ok {
			t.Fatalf("Lookup(%q) finds nothing, Topics names it", topic)
		}
		got[topic] = len(l.Rows)
	}
	if diff := cmp.Diff(rows, got); diff != "" {
		t.Errorf("rows per topic (-want +got):\n%s", diff)
	}
}

func TestValuesAreUniqueAndFilled(t *testing.T) {
	for _, topic := range Topics() {
		l, _ := Lookup(topic)
		values := l.Values()
		sorted := slices.Sorted(slices.Values(values))
		if len(slices.Compact(sorted)) != len(values) {
			t.Errorf("%s: a value stands twice in %q", topic, values)
		}
		for _, row := range l.Rows {
			for i, cell := range row {
				if cell == "" {
					t.Errorf("%s: empty cell %s in %q", topic, l.Columns[i], row)
				}
			}
		}
	}
}

func TestKeys(t *testing.T) {
	for topic, want := range map[string]string{
		"platforms_tls": "id", "platforms_ev_code_signing": "id", "products": "name_id",
		"countries": "code", "http_statuses": "code", "hash_types": "id", "order_statuses": "name",
	} {
		if l, _ := Lookup(topic); l.Key() != want {
			t.Errorf("%s: key %q, want %q", topic, l.Key(), want)
		}
	}
	for _, topic := range []string{"platforms_tls", "platforms_code_signing", "platforms_ev_code_signing", "access_roles", "api_key_roles"} {
		l, _ := Lookup(topic)
		for _, id := range l.Values() {
			if _, err := strconv.Atoi(id); err != nil {
				t.Errorf("%s: id %q is no number", topic, id)
			}
		}
	}
}

func TestLookups(t *testing.T) {
	l, _ := Lookup("platforms_tls")
	if diff := cmp.Diff([]string{"name", "id", "format"}, l.Columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Apache", "2", "apache"}, l.Rows[0]); diff != "" {
		t.Errorf("first row (-want +got):\n%s", diff)
	}
	if !l.Has("id", "-1") || l.Has("id", "99") || l.Has("none", "2") || l.Column("none") != nil {
		t.Error("Has or Column answers wrongly")
	}
	if _, ok := Lookup("none"); ok {
		t.Error("Lookup finds a topic that is not there")
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no heading": "Text.\n\n| a |\n| --- |\n| 1 |\n",
		"no text":    "# A\n\n| a |\n| --- |\n| 1 |\n",
		"no rows":    "# A\n\nText.\n\n| a |\n| --- |\n",
		"ragged":     "# A\n\nText.\n\n| a | b |\n| --- | --- |\n| 1 |\n",
		"text after": "# A\n\nText.\n\n| a |\n| --- |\n| 1 |\n\nMore.\n",
	} {
		if _, err := parse(name, text); err == nil {
			t.Errorf("%s: parsed", name)
		}
	}
	l, err := parse("bar", "# A\n\nText.\n\n| a |\n| --- |\n| x \\| y |\n")
	if err != nil || l.Rows[0][0] != "x | y" {
		t.Errorf("escaped bar: %q, %v", l.Rows, err)
	}
}
