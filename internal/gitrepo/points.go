package gitrepo

import "dcsync/internal/step"

// Points lists the places at which a crash must leave the repository and its remote in a state the next run can go on from.
func Points() []step.Point {
	return []step.Point{BeforePush, AfterPush, BeforeIndex, BeforeRef, AfterRef, BeforeLock, AfterLock, BeforeUnlock, AfterUnlock}
}

// The places, in the order in which a run passes them.
const (
	BeforeLock   step.Point = "gitrepo.before_lock"
	AfterLock    step.Point = "gitrepo.after_lock" // the remote has the lock, the run does not know it yet
	BeforePush   step.Point = "gitrepo.before_push"
	AfterPush    step.Point = "gitrepo.after_push"   // the remote has the commit, the clone does not
	BeforeIndex  step.Point = "gitrepo.before_index" // the clone has the objects
	BeforeRef    step.Point = "gitrepo.before_ref"   // the index has the entries
	AfterRef     step.Point = "gitrepo.after_ref"
	BeforeUnlock step.Point = "gitrepo.before_unlock"
	AfterUnlock  step.Point = "gitrepo.after_unlock"
)
