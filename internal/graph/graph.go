// Package graph orders things that depend on each other and finds circles among them. It knows nothing about what the things are.
package graph

import (
	"cmp"
	"slices"
)

// Graph maps each node to the nodes it depends on. A dependency that is no key of the map counts as a node without dependencies.
type Graph[K cmp.Ordered] map[K][]K

// Sorted gives every node after all it depends on; nodes that may stand in any order stand in ascending order, so the result
// depends on the graph alone. Nodes on a circle, and those that depend on them, are left out: see Cycle.
func (g Graph[K]) Sorted() []K {
	waiting := map[K]int{}
	dependents := map[K][]K{}
	for node, deps := range g {
		waiting[node] += 0
		for _, d := range unique(deps) {
			waiting[d] += 0
			waiting[node]++
			dependents[d] = append(dependents[d], node)
		}
	}
	var ready, out []K
	for node, n := range waiting {
		if n == 0 {
			ready = append(ready, node)
		}
	}
	for len(ready) > 0 {
		slices.Sort(ready)
		node := ready[0]
		ready = ready[1:]
		out = append(out, node)
		for _, d := range dependents[node] {
			if waiting[d]--; waiting[d] == 0 {
				ready = append(ready, d)
			}
		}
	}
	return out
}

// Cycle gives the nodes of one circle in dependency order, starting with its smallest node, or nil when there is none.
func (g Graph[K]) Cycle() []K {
	const (
		entered = 1
		left    = 2
	)
	state := map[K]int{}
	var path []K
	var visit func(K) []K
	visit = func(n K) []K {
		state[n] = entered
		path = append(path, n)
		deps := unique(g[n])
		slices.Sort(deps)
		for _, d := range deps {
			switch state[d] {
			case entered:
				return slices.Clone(path[slices.Index(path, d):])
			case 0:
				if c := visit(d); c != nil {
					return c
				}
			}
		}
		state[n] = left
		path = path[:len(path)-1]
		return nil
	}
	nodes := make([]K, 0, len(g))
	for n := range g {
		nodes = append(nodes, n)
	}
	slices.Sort(nodes)
	for _, n := range nodes {
		if state[n] == 0 {
			if c := visit(n); c != nil {
				least := slices.Index(c, slices.Min(c))
				return append(c[least:], c[:least]...)
			}
		}
	}
	return nil
}

func unique[K cmp.Ordered](in []K) []K {
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out)
}
