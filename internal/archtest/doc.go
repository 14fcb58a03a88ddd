// Package archtest holds the floors of docs/architecture.md against the code: which room may import which, which third-party
// package belongs to which room, and that the core names no kind. It has tests only.
package archtest
