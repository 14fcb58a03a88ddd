package cli

import (
	"bytes"
	"fmt"

	"dcsync/internal/render"
	"dcsync/reconcile"
)

// mayHoldPlan refuses a place where a plan would destroy something: what is there must be a plan.
func mayHoldPlan(path string) error {
	exists, err := mayHold(path, path)
	if err != nil || !exists {
		return err
	}
	if _, err := readPlan(path); err != nil {
		return usagef("name another file", "--out: %s exists and is no saved plan", path)
	}
	return nil
}

// savePlan writes a plan.
func savePlan(path string, p *reconcile.Plan, version string) error {
	var doc bytes.Buffer
	if err := render.PlanJSON(&doc, p, nil, version); err != nil {
		return err
	}
	if err := writeWhole(path, doc.Bytes()); err != nil {
		return fmt.Errorf("save plan: %w", err)
	}
	return nil
}

// readPlan reads a saved plan. What is wrong with its content is a diag.Diagnostic; a file that cannot be read is a usage error.
func readPlan(path string) (*reconcile.Plan, error) {
	data, err := readBounded(path)
	if err != nil {
		return nil, usagef("make one with `dcsync plan --out FILE`", "read plan: %v", err)
	}
	return render.ReadPlan(path, data)
}
