package certcentral

import "dcsync/internal/step"

// The crash points of a write: before the server can know of it, and after the server has answered while nobody here has
// taken note yet.
const (
	PointSending  step.Point = "certcentral.write.sending"
	PointAnswered step.Point = "certcentral.write.answered"
)

// Points lists every crash point of this package.
func Points() []step.Point { return []step.Point{PointSending, PointAnswered} }
