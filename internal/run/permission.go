package run

import (
	"fmt"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/reconcile"
	"dcsync/state"
)

// The access roles (glossary, access roles).
const (
	administrator = 1
	manager       = 4
)

// mayWrite refuses a plan that holds something the key's user may not do, before anything is written. The restriction of the key itself
// cannot be read; it shows at the first write.
func mayWrite(p *reconcile.Plan, who *resource.Identity) error {
	if who == nil || who.RoleID == 0 || who.RoleID == administrator {
		return nil
	}
	for _, c := range p.Changes {
		organization := c.Action.Works() && c.Action != resource.Forget && c.Product == ""
		switches := c.Action == resource.Activate || c.Action == resource.Deactivate
		if switches || organization && who.RoleID != manager {
			return &Refused{Code: "missing_permission", Message: fmt.Sprintf("the key's user is a %s and may not %s %s", who.Role, c.Action, c.Address),
				Hint: "use the key of an administrator, or leave it out with --target"}
		}
	}
	return nil
}

// known refuses a target that neither a manifest nor the state knows.
func (p *Project) known(f *state.File, targets []resource.Address) error {
	for _, a := range targets {
		if p.Set.Get(a) == nil && f.Objects[a] == nil {
			return diag.Diagnostic{Severity: diag.Error, Code: diag.TargetUnknown, Summary: fmt.Sprintf("--target %s is neither a manifest nor managed", a),
				Hint: "write it as Kind/name, as the manifests have it"}
		}
	}
	return nil
}
