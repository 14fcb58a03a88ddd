// Package step names the places of a run at which a crash must do no harm, so that tests can kill the process there.
//
// Packages that change something (certcentral, state, gitrepo, reconcile) declare their points in one list each and take a Hook
// by injection. A nil hook costs one comparison. There is no switch in the product: only a test binary supplies a hook.
package step

// Point is the name of one place, such as "state.renamed".
type Point string

// Hook is called whenever a point is reached.
type Hook func(Point)

// At calls the hook, if there is one.
func (h Hook) At(p Point) {
	if h != nil {
		h(p)
	}
}
