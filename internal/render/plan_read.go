package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"dcsync/internal/diag"
	"dcsync/internal/resource"
	"dcsync/reconcile"
)

// ReadPlan reads the document of PlanJSON. It is strict: an unknown field, a missing binding or an unknown word is a
// diag.Diagnostic that names the file, and line and column where it is no JSON. The plan it gives is for showing and for comparing with a plan built anew;
// unchanged objects are in it as numbers only, so that its summary is that of the document.
func ReadPlan(file string, data []byte) (*reconcile.Plan, error) {
	var doc planJSON
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, badPlan(file, place(file, data, err), reason(err))
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, badPlan(file, position(file, data, dec.InputOffset()), "something follows the document")
	}
	p, err := doc.plan()
	if err != nil {
		return nil, badPlan(file, diag.Pos{File: file}, err.Error())
	}
	return p, nil
}

func badPlan(file string, pos diag.Pos, why string) error {
	return diag.Diagnostic{
		Severity: diag.Error, Code: diag.SavedPlan, Summary: "not a saved plan: " + why, Pos: pos,
		Hint: "make a new one with `dcsync plan --out FILE`",
	}
}

// place gives the position of what is no JSON; of what is JSON and no plan, encoding/json does not tell the place.
func place(file string, data []byte, err error) diag.Pos {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return diag.Pos{File: file}
	}
	return position(file, data, syntax.Offset-1)
}

func reason(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too early"
	}
	if typed, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && typed.Field != "" {
		return fmt.Sprintf("%s is a %s", typed.Field, typed.Value)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// position turns an offset into line and column, the latter in characters.
func position(file string, data []byte, offset int64) diag.Pos {
	before := data[:min(max(int(offset), 0), len(data))]
	line := bytes.Count(before, []byte("\n"))
	last := before[bytes.LastIndexByte(before, '\n')+1:]
	return diag.Pos{File: file, Line: line + 1, Column: utf8.RuneCount(last) + 1}
}

func (doc *planJSON) plan() (*reconcile.Plan, error) {
	switch {
	case doc.FormatVersion != FormatVersion:
		return nil, fmt.Errorf("format_version is %q, this dcsync reads %q", doc.FormatVersion, FormatVersion)
	case doc.Error != nil:
		return nil, errors.New("it was refused when it was made")
	case !slices.Contains([]reconcile.Refresh{reconcile.RefreshAuto, reconcile.RefreshFull, reconcile.RefreshNone}, doc.Refresh):
		return nil, fmt.Errorf("refresh is %q", doc.Refresh)
	case !strings.HasPrefix(doc.Inputs, "sha256:"), !strings.HasPrefix(doc.Digest, "sha256:"):
		return nil, errors.New("inputs or digest is missing")
	}
	p := &reconcile.Plan{
		Inputs: doc.Inputs, Digest: doc.Digest, Refresh: doc.Refresh, Complete: doc.Complete,
		Compared: reconcile.Compared{List: doc.Compared.List, Info: doc.Compared.Info},
		Cost:     reconcile.Cost{Orders: doc.Cost.Orders, Requests: doc.Cost.Requests},
		Waiting:  doc.Summary.Waiting, Findings: fromJSON(doc.Diagnostics),
	}
	var err error
	if p.CreatedAt, err = moment("created_at", doc.CreatedAt); err != nil {
		return nil, err
	}
	if p.AsOf, err = moment("as_of", doc.AsOf); err != nil {
		return nil, err
	}
	if doc.Commit != nil {
		p.Commit = *doc.Commit
	}
	if s := doc.State; s != nil {
		p.State = &reconcile.StateRef{Lineage: s.Lineage, Serial: s.Serial, Digest: s.Digest}
	}
	if a := doc.Target; a != nil {
		p.Target = &reconcile.AccountRef{ID: a.ID, APIURL: a.APIURL}
	}
	if a := doc.Account; a != nil {
		p.Account = &reconcile.AccountRef{ID: a.ID, APIURL: a.APIURL}
	}
	if price := doc.Cost.Price; price != nil {
		p.Cost.Price = &reconcile.Price{Amount: price.Amount, Currency: price.Currency, Complete: price.Complete}
	}
	if doc.UnmanagedCount < 0 || doc.Summary.Noop < 0 || doc.UnmanagedCount > maxCount || doc.Summary.Noop > maxCount {
		return nil, errors.New("a count is out of range")
	}
	p.UnmanagedCount, p.Targets = doc.UnmanagedCount, doc.Targets
	for i := range doc.Changes {
		c, err := doc.Changes[i].change()
		if err != nil {
			return nil, fmt.Errorf("change %d: %w", i+1, err)
		}
		p.Changes = append(p.Changes, c)
	}
	unchanged := &reconcile.Change{Action: resource.Noop}
	for range doc.Summary.Noop {
		p.Changes = append(p.Changes, unchanged)
	}
	if got := summarized(p.Summary()); got != doc.Summary {
		return nil, errors.New("its summary does not count its changes")
	}
	return p, nil
}

// maxCount bounds what a broken document can make us allocate; no account is near it.
const maxCount = 1_000_000

func moment(name string, s *string) (time.Time, error) {
	if s == nil {
		return time.Time{}, fmt.Errorf("%s is missing", name)
	}
	t, err := time.Parse(time.RFC3339Nano, *s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is no RFC 3339 time", name)
	}
	return t.UTC(), nil
}

func (c *changeJSON) change() (*reconcile.Change, error) {
	switch {
	case c.Address == (resource.Address{}):
		return nil, errors.New("address is missing")
	case c.Action == resource.Noop, !slices.Contains(resource.Actions(), c.Action):
		return nil, fmt.Errorf("action is %q", c.Action)
	case !slices.Contains([]resource.Trigger{resource.ByIntent, resource.ByDrift, resource.ByTime, resource.ByRecovery}, c.Trigger):
		return nil, fmt.Errorf("trigger is %q", c.Trigger)
	}
	out := &reconcile.Change{
		Address: c.Address, Action: c.Action, Trigger: c.Trigger, Reason: c.Reason, Generation: c.Generation, Sequence: c.Sequence,
		Requests: c.Requests, Corrected: c.Corrected, Unread: c.Unread, Revokes: c.Revokes, DependsOn: c.DependsOn,
	}
	switch x := c.ID.(type) {
	case nil:
	case string:
		out.ID = x
	case json.Number:
		out.ID = x.String()
	default:
		return nil, errors.New("id is neither number nor text")
	}
	if c.Product != nil {
		out.Product = *c.Product
	}
	if c.Source != nil {
		out.Source = resource.Source{File: c.Source.File, Line: c.Source.Line}
	}
	for _, f := range c.Fields {
		field := resource.FieldChange{Path: f.Path, Origin: f.Origin, Sensitive: f.Sensitive}
		if !slices.Contains([]resource.Origin{resource.FromIntent, resource.FromDrift, resource.FromBoth}, f.Origin) {
			return nil, fmt.Errorf("origin of %s is %q", f.Path, f.Origin)
		}
		if !f.Sensitive {
			field.Before, field.Applied, field.After = f.Before, f.Applied, f.After
		}
		if f.Via != nil {
			field.Via = *f.Via
		}
		out.Fields = append(out.Fields, field)
	}
	return out, nil
}

// UnmarshalJSON reads the values of a field back into trees. It is strict like the rest of the document.
func (f *fieldJSON) UnmarshalJSON(data []byte) error {
	var raw struct {
		Path      resource.Path     `json:"path"`
		Before    json.RawMessage   `json:"before"`
		Applied   json.RawMessage   `json:"applied"`
		After     json.RawMessage   `json:"after"`
		Origin    resource.Origin   `json:"origin"`
		Via       *resource.Address `json:"via"`
		Sensitive bool              `json:"sensitive"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	*f = fieldJSON{Path: raw.Path, Origin: raw.Origin, Via: raw.Via, Sensitive: raw.Sensitive}
	for _, side := range []struct {
		from json.RawMessage
		to   *resource.Value
	}{{raw.Before, &f.Before}, {raw.Applied, &f.Applied}, {raw.After, &f.After}} {
		if len(side.from) == 0 {
			continue
		}
		v, err := resource.FromJSON(side.from)
		if err != nil {
			return err
		}
		if v = restored(v); v != (resource.Null{}) {
			*side.to = v
		}
	}
	return nil
}

// restored brings back what JSON has no types for: references and hidden secrets.
func restored(v resource.Value) resource.Value {
	switch v := v.(type) {
	case resource.List:
		out := make(resource.List, len(v))
		for i, e := range v {
			out[i] = restored(e)
		}
		return out
	case resource.Map:
		if len(v) == 1 {
			if name, ok := v["ref"].(resource.String); ok {
				if a, err := resource.ParseAddress(string(name)); err == nil {
					return resource.Ref(a)
				}
			}
			if v["sensitive"] == resource.Bool(true) {
				return resource.SecretRef{}
			}
		}
		out := make(resource.Map, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out[k] = restored(v[k])
		}
		return out
	}
	return v
}
