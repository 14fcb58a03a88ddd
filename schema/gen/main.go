// Command gen writes what is made from the tables: the JSON Schema of every kind into json/, and the reference pages into
// docs/reference/. It is run by go generate and is no part of dcsync.
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
		write(filepath.Join("json", strings.ToLower(kind)+".json"), b)
	}
	for _, page := range schema.Reference() {
		write(filepath.Join("..", "docs", "reference", page.Name), page.Text)
	}
}

func write(name string, text []byte) {
	if err := os.WriteFile(name, text, 0o644); err != nil {
		log.Fatal(err)
	}
}
