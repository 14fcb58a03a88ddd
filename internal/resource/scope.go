package resource

import (
	"slices"
	"strconv"
)

// Scope is the part of an account that a project looks at. An empty list leaves that side open.
type Scope struct {
	Containers    []int64
	Products      []string
	Organizations []int64
}

// Holds tells whether a live object lies within. What a live object does not show keeps nobody out.
func (s Scope) Holds(l *Live) bool {
	organization := l.ParentID
	if l.Product == "" {
		organization = l.ID // it is no order, so it is what orders belong to
	}
	return within(s.Containers, l.ContainerID) && within(s.Organizations, organization) &&
		(len(s.Products) == 0 || l.Product == "" || slices.Contains(s.Products, l.Product))
}

// Container gives the only container of the scope, 0 when it is open or has several.
func (s Scope) Container() int64 {
	if len(s.Containers) == 1 {
		return s.Containers[0]
	}
	return 0
}

func within(list []int64, id string) bool {
	n, err := strconv.ParseInt(id, 10, 64)
	return len(list) == 0 || err != nil || slices.Contains(list, n)
}
