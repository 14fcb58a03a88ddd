// Package graph orders things that depend on each other and finds circles among them. It knows nothing about what the things are.
package graph

import (
	"cmp"
	"container/heap"
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
	ready := &smallest[K]{}
	for node, n := range waiting {
		if n == 0 {
			heap.Push(ready, node)
		}
	}
	out := make([]K, 0, len(waiting))
	for ready.Len() > 0 {
		node := heap.Pop(ready).(K)
		out = append(out, node)
		for _, d := range dependents[node] {
			if waiting[d]--; waiting[d] == 0 {
				heap.Push(ready, d)
			}
		}
	}
	return out
}

// smallest is a heap: the nodes that may come next, the smallest first.
type smallest[K cmp.Ordered] []K

func (s smallest[K]) Len() int           { return len(s) }
func (s smallest[K]) Less(i, j int) bool { return s[i] < s[j] }
func (s smallest[K]) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *smallest[K]) Push(x any)        { *s = append(*s, x.(K)) }
func (s *smallest[K]) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
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
