package reconcile

import (
	"fmt"
	"testing"
	"time"

	"dcsync/internal/resource"
	"dcsync/schema"
	"dcsync/state"
)

// population is a project of n orders, half of them in state, each tenth of those changed, and the account that belongs to it.
func population(n int) Input {
	org, _ := schema.Descriptor("Organization", "")
	client, _ := schema.Descriptor("Order", "client_authentication_plus")
	acme := resource.Address{Kind: "Organization", Name: "acme"}
	in := Input{Set: &resource.Set{}, State: state.New("uid"), AsOf: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Refresh: RefreshAuto, Settings: Settings{UID: "uid"},
		Live: &Account{ID: 1, APIURL: "http://127.0.0.1/services/v2", Lists: map[string]*resource.Listing{
			"Organization": {Complete: true, Requests: 1}, "Order": {Complete: true, Requests: n/1000 + 1}}, Infos: map[Key]*resource.Live{}}}
	details := resource.Map{"name": resource.String("Acme"), "city": resource.String("Lehi")}
	in.Set.Objects = append(in.Set.Objects, &resource.Object{Address: acme, Descriptor: org, Spec: details, Lifecycle: resource.Lifecycle{Generation: 1}})
	in.State.Objects[acme] = &state.Entry{Identity: state.Identity{ID: "70011", Origin: "acme", Generation: 1}, Applied: state.Applied{Spec: details}}
	in.Live.Lists["Organization"].Objects = []*resource.Live{{Kind: "Organization", ID: "70011", Depth: resource.ListDepth, Spec: details, Phase: resource.Active, Status: "active", Title: "Acme"}}
	for i := range n {
		name := fmt.Sprintf("order-%05d", i)
		a := resource.Address{Kind: "Order", Name: name}
		spec := resource.Map{
			"product": resource.String(client.Product), "organization": resource.Map{"id": resource.Ref(acme)}, "order_validity": resource.Map{"years": resource.Int(1)},
			"certificate": resource.Map{"common_name": resource.String(name), "emails": strs(name + "@example.com"), "signature_hash": resource.String("sha256")},
			"notes":       strs("ticket 1"), "additional_emails": strs("pki@example.com"),
		}
		o := &resource.Object{Address: a, Descriptor: client, Spec: spec, Lifecycle: resource.Lifecycle{Generation: 1}, DependsOn: []resource.Address{acme},
			Source: resource.Source{File: "orders.yaml", Line: i + 1}}
		in.Set.Objects = append(in.Set.Objects, o)
		if i%2 == 1 {
			continue
		}
		applied := spec.Clone()
		applied["organization"] = resource.Map{"id": resource.Int(70011)}
		id := fmt.Sprint(880000 + i)
		live := &resource.Live{Kind: "Order", ID: id, Product: client.Product, Depth: resource.ListDepth, Status: "issued", Phase: resource.Active, ParentID: "70011", Title: name,
			Spec: applied.Clone(), Observed: resource.Map{"status": resource.String("issued")}}
		in.Live.Lists["Order"].Objects = append(in.Live.Lists["Order"].Objects, live)
		entry := &state.Entry{Identity: state.Identity{ID: id, Origin: name, Product: client.Product, Generation: 1, Nonce: Nonce(1, "uid", "Order", name, 1, 0)},
			Applied: state.Applied{Spec: applied, Generation: 1}, Observed: live.Observed.Clone(), Source: state.Source{Desired: DesiredDigest(o)}}
		if i%20 == 0 {
			entry.Applied.Spec["additional_emails"] = strs("old@example.com")
		}
		in.State.Objects[a] = entry
	}
	return in
}

func TestPopulation(t *testing.T) {
	t.Parallel()
	s := Build(population(100)).Summary()
	if s.ByAction[resource.Create] != 50 || s.ByAction[resource.Update] != 5 || s.ByAction[resource.Noop] != 46 {
		t.Errorf("actions %v, want 50 creates, 5 updates and 46 without", s.ByAction)
	}
}

func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		in := population(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Build(in)
			}
		})
	}
}

func BenchmarkNeeds(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		in := population(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Needs(in)
			}
		})
	}
}
