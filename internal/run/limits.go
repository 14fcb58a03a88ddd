package run

import (
	"context"
	"fmt"
	"math/big"

	"dcsync/internal/resource"
	"dcsync/reconcile"
	"dcsync/state"
)

// limits refuses a plan that would order, end or forget more than was allowed. Nothing has been written when it is asked.
func (p *Project) limits(plan *reconcile.Plan, f *state.File, o PlanOptions) error {
	orders, destroy := p.Project.MaxOrders, p.Project.MaxDestroy
	if o.MaxOrders >= 0 {
		orders = o.MaxOrders
	}
	if o.MaxDestroy >= 0 {
		destroy = o.MaxDestroy
	}
	destroyed, forgotten := 0, 0
	for _, c := range plan.Changes {
		if c.Destroys() {
			destroyed++
		}
		if c.Action == resource.Forget {
			forgotten++
		}
	}
	switch {
	case o.Strict && plan.HasBlockedIntent():
		return &Refused{Code: "strict", Message: "an intent is blocked, and --strict wants all or nothing", Hint: "see what is blocked above; without --strict the rest is applied"}
	case plan.Cost.Orders > orders:
		return &Refused{Code: "max_orders", Message: fmt.Sprintf("the plan places %s, more than the %d allowed", counted(plan.Cost.Orders, "order"), orders),
			Hint: fmt.Sprintf("review it, then allow them with --max-orders %d", plan.Cost.Orders)}
	case destroyed > destroy:
		return &Refused{Code: "max_destroy", Message: fmt.Sprintf("the plan ends %s that cannot be brought back, more than the %d allowed", counted(destroyed, "thing"), destroy),
			Hint: fmt.Sprintf("review it, then allow them with --max-destroy %d", destroyed)}
	case forgotten > max(1, len(f.Objects)/3, destroy):
		return &Refused{Code: "mass_forget", Message: fmt.Sprintf("%d of %d managed objects have no manifest any more, more than a third", forgotten, len(f.Objects)),
			Hint: fmt.Sprintf("check spec.manifests in dcsync.yaml; when it is meant, allow it with --max-destroy %d", forgotten)}
	}
	return nil
}

// counted gives a number with what it counts.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// price sums the list prices of what a plan orders. The list is read only when something is ordered.
func (p *Project) price(ctx context.Context, acct Account, b *built) error {
	if b.plan.Cost.Orders == 0 || b.in.Live == nil {
		return nil
	}
	list, err := acct.Prices(ctx)
	if err != nil || list == nil {
		return err
	}
	sum, price := new(big.Rat), &reconcile.Price{Complete: true}
	for _, c := range b.plan.Changes {
		if !c.Action.Orders() {
			continue
		}
		o := p.Set.Get(c.Address)
		if !o.Descriptor.Billable {
			continue
		}
		years, _ := resource.Get(o.Spec, "/order_validity/years").(resource.Int)
		entry := list[resource.PriceKey{Product: c.Product, Years: int(years)}]
		amount, ok := new(big.Rat).SetString(entry.Amount)
		if !ok || amount.Sign() == 0 || price.Currency != "" && entry.Currency != price.Currency {
			price.Complete = false
			continue
		}
		price.Currency = entry.Currency
		sum.Add(sum, amount)
	}
	price.Amount = sum.FloatString(2)
	b.plan.Cost.Price = price
	return nil
}
