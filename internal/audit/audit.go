// Package audit joins the history of the manifests, that of the state file and the account: who asked for what, who merged it, what was
// applied when and what came of it, and what does not add up.
//
// It reads and concludes. It prints nothing (internal/render does), makes no request (what the account showed is handed to it) and writes
// nowhere.
package audit
