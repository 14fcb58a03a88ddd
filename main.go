// Command dcsync keeps a DigiCert CertCentral account equal to the manifests of a git repository. Run `dcsync help`.
package main

import (
	"context"
	"os"

	"dcsync/internal/cli"
)

func main() {
	os.Exit(cli.Run(context.Background(), os.Args, os.LookupEnv, cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
