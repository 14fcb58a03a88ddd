package render

import (
	"io"

	"dcsync/internal/resource"
	"dcsync/reconcile"
)

// planJSON is the document of a plan, printed and saved alike. What apply needs of a saved plan is in it: the digests, the state and the
// account it was built from.
type planJSON struct {
	header
	CreatedAt      *string           `json:"created_at"`
	AsOf           *string           `json:"as_of"`
	Commit         *string           `json:"commit"`
	Inputs         string            `json:"inputs"`
	Digest         string            `json:"digest"`
	Refresh        reconcile.Refresh `json:"refresh"`
	Complete       bool              `json:"complete"`
	Compared       comparedJSON      `json:"compared"`
	State          *stateRefJSON     `json:"state"`
	Account        *accountJSON      `json:"account"`
	Target         *accountJSON      `json:"target"` // what the plan would be applied to; account is null before the first apply
	Summary        summaryJSON       `json:"summary"`
	Cost           costJSON          `json:"cost"`
	Changes        []changeJSON      `json:"changes"`
	UnmanagedCount int               `json:"unmanaged_count"`
	Unmanaged      []any             `json:"unmanaged"` // always empty: only their number is part of a plan
	Error          *failureJSON      `json:"error,omitempty"`
	Diagnostics    []findingJSON     `json:"diagnostics"`
}

type comparedJSON struct {
	List int `json:"list"`
	Info int `json:"info"`
}

type stateRefJSON struct {
	Lineage string `json:"lineage"`
	Serial  int    `json:"serial"`
	Digest  string `json:"digest"`
}

type accountJSON struct {
	ID     int64  `json:"id"`
	APIURL string `json:"api_url"`
}

// summaryJSON names every action, also those a plan does not hold.
type summaryJSON struct {
	Create     int `json:"create"`
	Update     int `json:"update"`
	Reissue    int `json:"reissue"`
	Renew      int `json:"renew"`
	Replace    int `json:"replace"`
	Cancel     int `json:"cancel"`
	Revoke     int `json:"revoke"`
	Withdraw   int `json:"withdraw"`
	Activate   int `json:"activate"`
	Deactivate int `json:"deactivate"`
	Adopt      int `json:"adopt"`
	Forget     int `json:"forget"`
	Blocked    int `json:"blocked"`
	Deferred   int `json:"deferred"`
	Waiting    int `json:"waiting"`
	Noop       int `json:"noop"`
	Drift      int `json:"drift"`
}

type costJSON struct {
	Orders   int        `json:"orders"`
	Requests int        `json:"requests"`
	Price    *priceJSON `json:"price"`
}

type priceJSON struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Complete bool   `json:"complete"`
}

type changeJSON struct {
	Address    resource.Address   `json:"address"`
	Action     resource.Action    `json:"action"`
	Trigger    resource.Trigger   `json:"trigger"`
	Reason     string             `json:"reason"`
	ID         any                `json:"id"`
	Product    *string            `json:"product"`
	Generation int                `json:"generation"`
	Sequence   int                `json:"sequence"`
	Requests   int                `json:"requests"`
	Corrected  bool               `json:"corrected"`
	Unread     bool               `json:"unread"`
	Revokes    []string           `json:"revokes"`
	Source     *sourceJSON        `json:"source"`
	DependsOn  []resource.Address `json:"depends_on"`
	Fields     []fieldJSON        `json:"fields"`
}

type sourceJSON struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

type fieldJSON struct {
	Path      resource.Path     `json:"path"`
	Before    resource.Value    `json:"before"`
	Applied   resource.Value    `json:"applied"`
	After     resource.Value    `json:"after"`
	Origin    resource.Origin   `json:"origin"`
	Via       *resource.Address `json:"via"`
	Sensitive bool              `json:"sensitive"`
}

// PlanJSON writes the document of a plan. A plan that was refused carries the refusal as "error"; nil for none.
func PlanJSON(w io.Writer, p *reconcile.Plan, refused *Failure, version string) error {
	doc := planJSON{
		header:    newHeader(version),
		CreatedAt: instant(p.CreatedAt), AsOf: instant(p.AsOf), Commit: orNil(p.Commit),
		Inputs: p.Inputs, Digest: p.Digest, Refresh: p.Refresh, Complete: p.Complete,
		Compared: comparedJSON{p.Compared.List, p.Compared.Info},
		Summary:  summarized(p.Summary()),
		Cost:     costJSON{Orders: p.Cost.Orders, Requests: p.Cost.Requests},
		Changes:  []changeJSON{}, UnmanagedCount: len(p.Unmanaged), Unmanaged: []any{},
		Error: refused.json(), Diagnostics: findingsJSON(p.Findings),
	}
	if p.State != nil {
		doc.State = &stateRefJSON{p.State.Lineage, p.State.Serial, p.State.Digest}
	}
	if p.Target != nil {
		doc.Target = &accountJSON{p.Target.ID, p.Target.APIURL}
	}
	if p.Account != nil {
		doc.Account = &accountJSON{p.Account.ID, p.Account.APIURL}
	}
	if price := p.Cost.Price; price != nil {
		doc.Cost.Price = &priceJSON{price.Amount, price.Currency, price.Complete}
	}
	for _, c := range p.Visible() {
		doc.Changes = append(doc.Changes, changed(c))
	}
	return encode(w, doc)
}

func summarized(s reconcile.Summary) summaryJSON {
	n := s.ByAction
	return summaryJSON{
		Create: n[resource.Create], Update: n[resource.Update], Reissue: n[resource.ReissueNow], Renew: n[resource.RenewOrder],
		Replace: n[resource.Replace], Cancel: n[resource.Cancel], Revoke: n[resource.Revoke], Withdraw: n[resource.Withdraw],
		Activate: n[resource.Activate], Deactivate: n[resource.Deactivate], Adopt: n[resource.Adopt], Forget: n[resource.Forget],
		Blocked: n[resource.Blocked], Deferred: n[resource.Deferred], Noop: n[resource.Noop], Waiting: s.Waiting, Drift: s.Drift,
	}
}

func changed(c *reconcile.Change) changeJSON {
	out := changeJSON{
		Address: c.Address, Action: c.Action, Trigger: c.Trigger, Reason: c.Reason, ID: id(c.ID), Product: orNil(c.Product),
		Generation: c.Generation, Sequence: c.Sequence, Requests: c.Requests, Corrected: c.Corrected, Unread: c.Unread,
		Revokes: orEmpty(c.Revokes), DependsOn: orEmpty(c.DependsOn), Fields: []fieldJSON{},
	}
	if c.Source.File != "" {
		out.Source = &sourceJSON{c.Source.File, c.Source.Line}
	}
	for _, f := range c.Fields {
		field := fieldJSON{Path: f.Path, Before: f.Before, Applied: f.Applied, After: f.After, Origin: f.Origin, Sensitive: f.Sensitive}
		if f.Sensitive {
			// A secret is sent and never kept or read back, so only what is sent is known to exist.
			field.Before, field.Applied, field.After = nil, nil, resource.SecretRef{}
		}
		if via := f.Via; via != (resource.Address{}) {
			field.Via = &via
		}
		out.Fields = append(out.Fields, field)
	}
	return out
}
