package manifests

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkManyFindings loads one manifest that is wrong in every line: ten times the lines take about ten times the time.
func BenchmarkManyFindings(b *testing.B) {
	for _, lines := range []int{8_000, 80_000} {
		b.Run(fmt.Sprint(lines), func(b *testing.B) {
			dir := b.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "manifests"), 0o755); err != nil {
				b.Fatal(err)
			}
			var text strings.Builder
			text.WriteString("apiVersion: dcsync/v1\nkind: Order\nmetadata: {name: a}\nspec:\n  product: code_signing\n")
			for i := range lines {
				fmt.Fprintf(&text, "  k%d: 1\n", i)
			}
			for name, content := range map[string]string{
				"dcsync.yaml":      "apiVersion: dcsync/v1\nkind: Project\nmetadata: {name: m, uid: 12345678abcd}\nspec: {}\n",
				"manifests/a.yaml": text.String(),
			} {
				if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(content), 0o644); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				loaded, err := Load(b.Context(), dir)
				if err != nil || len(loaded.Findings) < lines {
					b.Fatalf("%d findings, error %v", len(loaded.Findings), err)
				}
			}
		})
	}
}
