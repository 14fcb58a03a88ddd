package resource

import "slices"

// Action is what a plan does with one object.
type Action string

// The actions, riskiest first.
const (
	Revoke     Action = "revoke"
	Cancel     Action = "cancel"
	Withdraw   Action = "withdraw"
	Replace    Action = "replace"
	Deactivate Action = "deactivate"
	Blocked    Action = "blocked"
	Create     Action = "create"
	RenewOrder Action = "renew"
	ReissueNow Action = "reissue"
	Activate   Action = "activate"
	Adopt      Action = "adopt"
	Update     Action = "update"
	Forget     Action = "forget"
	Deferred   Action = "deferred"
	Noop       Action = "noop"
)

var actions = []Action{Revoke, Cancel, Withdraw, Replace, Deactivate, Blocked, Create, RenewOrder, ReissueNow, Activate, Adopt, Update, Forget, Deferred, Noop}

// Actions gives all actions, riskiest first.
func Actions() []Action { return slices.Clone(actions) }

// Risk gives the rank of an action, 0 for the riskiest.
func (a Action) Risk() int { return slices.Index(actions, a) }

// Orders tells whether the action places an order, and so costs money.
func (a Action) Orders() bool { return a == Create || a == RenewOrder || a == Replace }

// Destroys tells whether the action ends something that cannot be brought back.
func (a Action) Destroys() bool {
	return a == Revoke || a == Cancel || a == Withdraw || a == Replace || a == Deactivate
}

// Ends tells whether the action ends an order and does nothing else: it needs nothing of what the order refers to.
func (a Action) Ends() bool { return a == Revoke || a == Cancel || a == Withdraw }

// Works tells whether apply has something to do for the action.
func (a Action) Works() bool { return a != Noop && a != Blocked && a != Deferred }

// Trigger says why a change is planned.
type Trigger string

// The triggers.
const (
	ByIntent   Trigger = "intent"
	ByDrift    Trigger = "drift"
	ByTime     Trigger = "time"
	ByRecovery Trigger = "recovery"
)

// Origin says which side of a field moved.
type Origin string

// The origins.
const (
	FromIntent Origin = "intent"
	FromDrift  Origin = "drift"
	FromBoth   Origin = "both"
)

// FieldChange is one field in which the versions differ. Before is live (applied when live was not read), Applied what was last
// applied, After what apply makes; nil means absent. All three are nil when Sensitive.
type FieldChange struct {
	Path      Path
	Before    Value
	Applied   Value
	After     Value
	Origin    Origin
	Via       Address // zero when written in the object's own manifest
	Sensitive bool
	Field     *Field
}

// NewItems gives the items of a list that are in After and not, equal, in Before: what has to be sent, and so what a forecast counts.
func (f FieldChange) NewItems() List {
	before, _ := f.Before.(List)
	after, _ := f.After.(List)
	var out List
	for _, item := range after {
		if !slices.ContainsFunc(before, func(b Value) bool { return Equal(b, item) }) {
			out = append(out, item)
		}
	}
	return out
}

// WaitingOn says whom an object waits for; "" for nobody.
type WaitingOn string

// Whom an object may wait for.
const (
	OnApproval               WaitingOn = "approval"
	OnOrganizationValidation WaitingOn = "organization_validation"
	OnDomainValidation       WaitingOn = "domain_validation"
	OnEmailValidation        WaitingOn = "email_validation"
	OnVerifiedContact        WaitingOn = "verified_contact"
	OnCSR                    WaitingOn = "csr"
	OnPickup                 WaitingOn = "pickup"
	OnShipping               WaitingOn = "shipping"
	OnDigiCert               WaitingOn = "digicert"
)

// Outcome is what became of one change.
type Outcome string

// The outcomes.
const (
	Done             Outcome = "done"
	Waiting          Outcome = "waiting"
	Failed           Outcome = "failed"
	Skipped          Outcome = "skipped"
	OutcomeOfBlocked Outcome = "blocked"
)
