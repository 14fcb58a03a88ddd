package manifests

import (
	"fmt"
	"slices"
	"strings"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/schema"
)

// policy is spec.policy of dcsync.yaml: what the team allows beyond what the API does.
type policy struct {
	schemas map[string]*schema.Team // by kind
	rules   []policyRule
	label   string   // that says who agreed
	consent []string // instructions that need it
	from    *document
}

// policyRule restricts the manifests that fall under it. An empty list restricts nothing.
type policyRule struct {
	name   string
	path   resource.Path // in dcsync.yaml
	folder string
	labels map[string]string

	products, domains, organizations, required []string
	maxDays                                    int64
}

const policyPath = resource.Path("/spec/policy")

// takePolicy reads the policy of a project; nil when there is none, or it has errors of its own.
func (l *loader) takePolicy(d *document) *policy {
	value, ok := resource.Get(d.value, policyPath).(resource.Map)
	if !ok {
		return nil
	}
	p := &policy{schemas: map[string]*schema.Team{}, label: "approved-by", from: d}
	schemas, _ := value["schemas"].(resource.Map)
	for _, kind := range schema.Kinds() {
		if name, ok := schemas[kind].(resource.String); ok {
			if t := l.teamSchema(d, policyPath+"/schemas"+resource.Path("").Child(kind), string(name)); t != nil {
				p.schemas[kind] = t
			}
		}
	}
	if slices.ContainsFunc(d.found, func(v schema.Violation) bool { return v.Severity == diag.Error && v.Path.Under(policyPath) }) {
		return nil
	}
	rules, _ := value["rules"].(resource.List)
	for i, r := range rules {
		m, ok := r.(resource.Map)
		if !ok {
			continue
		}
		rule := policyRule{name: resource.Text(m["name"]), path: (policyPath + "/rules").Index(i), folder: strings.Trim(resource.Text(m["folder"]), "/"),
			labels: map[string]string{}, products: texts(m["products"]), domains: texts(m["domains"]), organizations: texts(m["organizations"]),
			required: texts(m["required_labels"])}
		days, _ := m["max_days"].(resource.Int)
		rule.maxDays = int64(days)
		labels, _ := m["labels"].(resource.Map)
		for name, v := range labels {
			rule.labels[name] = resource.Text(v)
		}
		p.rules = append(p.rules, rule)
	}
	take(d, policyPath+"/require_consent/label", func(v resource.String) { p.label = string(v) })
	p.consent = texts(resource.Get(value, "/require_consent/for"))
	return p
}

// texts gives the items of a list as text.
func texts(v resource.Value) []string {
	list, _ := v.(resource.List)
	var out []string
	for _, e := range list {
		out = append(out, resource.Text(e))
	}
	return out
}

// teamSchema reads and compiles one schema of the team; nil when that cannot be done, which is reported.
func (l *loader) teamSchema(d *document, at resource.Path, name string) *schema.Team {
	if !l.staysInside(d, at, name) {
		return nil
	}
	f := diag.Diagnostic{Severity: diag.Error, Code: diag.PolicyInvalid, Pos: d.valuePos(at), Path: string(shortPath(at))}
	text, err := l.folder.content(name, maxIncluded)
	if err != nil {
		f.Summary, f.Hint = fmt.Sprintf("the schema %s %v", name, err), "write a path relative to "+projectFile
		l.add(d, f)
		return nil
	}
	t, err := schema.CompileTeam(name, text)
	if err != nil {
		f.Summary = fmt.Sprintf("the schema %s cannot be used", name)
		f.Detail, f.Hint = strings.Join(strings.Fields(err.Error()), " "), "make it one self-contained JSON Schema of draft 2020-12"
		l.add(d, f)
		return nil
	}
	return t
}

// covers tells whether a manifest falls under the rule.
func (r policyRule) covers(d *document, labels map[string]string) bool {
	if r.folder != "" && !strings.HasPrefix(d.src.name, r.folder+"/") {
		return false
	}
	for name, want := range r.labels {
		if labels[name] != want {
			return false
		}
	}
	return true
}

// applyPolicy holds every manifest without errors against the policy.
func (l *loader) applyPolicy() {
	if l.policy == nil {
		return
	}
	for _, d := range l.documents {
		o := l.objects[d.address()]
		if o == nil || d.broken || l.byAddress[o.Address] != d {
			continue
		}
		if t := l.policy.schemas[d.kind]; t != nil {
			for _, v := range t.Check(d.value) {
				l.add(d, d.diagnostic(v))
			}
		}
		for _, r := range l.policy.rules {
			if r.covers(d, o.Labels) {
				l.applyRule(d, o, r)
			}
		}
		l.seekConsent(d, o)
	}
}

// refuse reports what a rule does not allow at a place of a manifest. At a missing label it is the place where labels are written.
func (l *loader) refuse(d *document, r policyRule, code diag.Code, at resource.Path, summary, hint string) {
	l.add(d, diag.Diagnostic{
		Severity: diag.Error, Code: code, Pos: d.valuePos(at), Path: string(shortPath(at)), Summary: summary, Hint: hint,
		Related: []diag.Related{{Pos: l.policy.from.valuePos(r.path), Message: "policy rule " + r.name}},
	})
}

func (l *loader) applyRule(d *document, o *resource.Object, r policyRule) {
	if product := o.Descriptor.Product; r.products != nil && product != "" && !slices.Contains(r.products, product) {
		l.refuse(d, r, diag.PolicyProduct, specPath+"/product", fmt.Sprintf("product %s is not allowed here", product), "allowed: "+strings.Join(r.products, ", "))
	}
	if r.domains != nil {
		for _, n := range certifiedNames(o) {
			if !isIn(n.domain, r.domains) {
				l.refuse(d, r, diag.PolicyDomain, specPath+n.path, fmt.Sprintf("%s is in no domain that is allowed here", n.domain), "allowed: "+strings.Join(r.domains, ", "))
			}
		}
	}
	if used, at := organization(o); r.organizations != nil && used != nil && !slices.ContainsFunc(used, func(u string) bool { return slices.Contains(r.organizations, u) }) {
		l.refuse(d, r, diag.PolicyOrganization, specPath+at, fmt.Sprintf("organization %s is not allowed here", used[0]), "allowed: "+strings.Join(r.organizations, ", "))
	}
	if r.maxDays > 0 && o.Descriptor.Expires {
		l.boundValidity(d, o, r)
	}
	for _, name := range r.required {
		if o.Labels[name] == "" {
			l.refuse(d, r, diag.PolicyLabel, "/metadata/labels", fmt.Sprintf("the label %s is missing", name), fmt.Sprintf("add it to metadata.labels: {%s: …}", name))
		}
	}
}

// boundValidity refuses an order that is valid for too long, or until a date: how long that is depends on when it is ordered.
func (l *loader) boundValidity(d *document, o *resource.Object, r policyRule) {
	const at = resource.Path("/order_validity")
	v, _ := resource.Get(o.Spec, at).(resource.Map)
	hint := fmt.Sprintf("order %d days at most, with order_validity: {days: %d}", r.maxDays, r.maxDays)
	years, _ := v["years"].(resource.Int)
	days, _ := v["days"].(resource.Int)
	switch {
	case v == nil:
	case v["custom_expiration_date"] != nil:
		l.refuse(d, r, diag.PolicyValidity, specPath+at+"/custom_expiration_date", "an end date may lie further away than is allowed here", hint)
	case days > 0 && int64(days) > r.maxDays:
		l.refuse(d, r, diag.PolicyValidity, specPath+at+"/days", fmt.Sprintf("%d days are longer than the %d that are allowed here", days, r.maxDays), hint)
	case days == 0 && int64(years)*365 > r.maxDays:
		l.refuse(d, r, diag.PolicyValidity, specPath+at+"/years", fmt.Sprintf("%d years are longer than the %d days that are allowed here", years, r.maxDays), hint)
	}
}

// seekConsent reports instructions that need a label which the manifest has not.
func (l *loader) seekConsent(d *document, o *resource.Object) {
	if o.Labels[l.policy.label] != "" {
		return
	}
	for _, instruction := range l.policy.consent {
		if at, given := instructed(d, instruction); given {
			l.add(d, diag.Diagnostic{
				Severity: diag.Error, Code: diag.PolicyConsent, Pos: d.keyPos(at), Path: string(shortPath(at)),
				Summary: fmt.Sprintf("%s needs the label %s here", instruction, l.policy.label),
				Hint:    fmt.Sprintf("whoever agrees adds it: metadata.labels: {%s: NAME}", l.policy.label),
				Related: []diag.Related{{Pos: l.policy.from.keyPos(policyPath + "/require_consent"), Message: "the policy"}},
			})
		}
	}
}

// instructed tells where a manifest gives an instruction of require_consent.
func instructed(d *document, instruction string) (at resource.Path, given bool) {
	switch instruction {
	case "retire":
		at = "/retire"
		return at, resource.Get(d.value, at) != nil
	case "renew":
		at = "/lifecycle/renew_before"
		return at, resource.Get(d.value, at) != nil
	case "generation":
		at = "/lifecycle/generation"
		n, _ := resource.Get(d.value, at).(resource.Int)
		return at, n > 1
	case "skip_approval":
		at = specPath + "/skip_approval"
		return at, resource.Get(d.value, at) == resource.Bool(true)
	}
	at = "/lifecycle/allow"
	i := slices.Index(texts(resource.Get(d.value, at)), instruction)
	return at.Index(max(i, 0)), i >= 0
}
