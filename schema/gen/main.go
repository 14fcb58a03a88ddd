// Command gen writes the JSON Schema of every kind into json/. It is run by go generate and is no part of dcsync.
package main

import (
	"log"
	"os"
	"path/filepath"
	"strings"

	"dcsync/schema"
)

func main() {
	for _, kind := range schema.Kinds() {
		b, _ := schema.JSON(kind)
		if err := os.WriteFile(filepath.Join("json", strings.ToLower(kind)+".json"), b, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
