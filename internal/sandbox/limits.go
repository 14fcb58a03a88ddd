package sandbox

import "time"

// Both windows of the API (API facts, section 1.2).
const (
	burstLimit, burstWindow         = 100, 5 * time.Second
	sustainedLimit, sustainedWindow = 1000, 3 * time.Minute
)

// window remembers when a key's recent calls were admitted, oldest first.
type window struct{ admitted []time.Time }

// admit reports whether a key may make one more call now, and counts it if so.
// Both windows roll; refused calls do not count (assumed).
func (s *Server) admit(key string) bool {
	w := s.windows[key]
	if w == nil {
		w = &window{}
		s.windows[key] = w
	}
	now := s.now()
	for len(w.admitted) > 0 && now.Sub(w.admitted[0]) >= sustainedWindow {
		w.admitted = w.admitted[1:]
	}
	n := len(w.admitted)
	if n >= sustainedLimit || n >= burstLimit && now.Sub(w.admitted[n-burstLimit]) < burstWindow {
		return false
	}
	w.admitted = append(w.admitted, now)
	return true
}

// stats counts the calls made to the API, refused ones included.
type stats struct {
	Requests    map[string]int `json:"requests"`
	Total       int            `json:"total"`
	Rejected429 int            `json:"rejected_429"`
}

func newStats() stats { return stats{Requests: map[string]int{}} }

func (st *stats) count(method string, rt *route) {
	name := method + " (no such route)"
	if rt != nil {
		name = rt.method + " " + rt.pattern
	}
	st.Requests[name]++
	st.Total++
}
