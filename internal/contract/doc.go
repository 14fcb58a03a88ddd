// Package contract describes how CertCentral's Services API behaves, as a table
// of checks that each name the section of the API facts they come from and how
// sure that section is.
//
// The checks run against the sandbox with every go test, so that it stays what
// the documents say. With DCSYNC_CONTRACT_URL and DCSYNC_CONTRACT_KEY set they
// run against that service as well, those that read alone; with
// DCSYNC_CONTRACT_WRITES=yes the others too, which make organizations and orders
// and belong on a test account. A check that disagrees with the real service
// means that the facts, and then the sandbox, have to be mended.
//
// It shares no types with the client or the sandbox: answers are JSON trees read
// with net/http. It tests neither of the two beyond what the API promises.
package contract
