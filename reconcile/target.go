package reconcile

import (
	"slices"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
)

// aimed gives the addresses a plan is limited to, with all they refer to; nil when it is not limited.
func aimed(in Input) map[resource.Address]bool {
	if len(in.Targets) == 0 {
		return nil
	}
	out := map[resource.Address]bool{}
	var walk func(resource.Address)
	walk = func(a resource.Address) {
		if out[a] {
			return
		}
		out[a] = true
		if o := in.Set.Get(a); o != nil {
			for _, d := range o.DependsOn {
				walk(d)
			}
		}
	}
	for _, t := range in.Targets {
		walk(t)
	}
	return out
}

// limit leaves in a plan only what it was aimed at.
func (b *builder) limit(p *Plan) {
	if b.aim == nil {
		return
	}
	p.Targets = b.in.Targets
	p.Changes = slices.DeleteFunc(p.Changes, func(c *Change) bool { return !b.aim[c.Address] })
	names := map[string]bool{"": true}
	for a := range b.aim {
		names[a.String()] = true
	}
	p.Findings = slices.DeleteFunc(p.Findings, func(d diag.Diagnostic) bool { return !names[d.Address] })
}
