package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// What is read is a source, in commands, paths, labels and texts: a connector is
// the code that reads it. One word an idea.
func TestASourceIsCalledSource(t *testing.T) {
	t.Parallel()
	other := regexp.MustCompile("yiyuan connector|/connectors/\\{|/connectors/[a-z]+-[a-z]+/|\\| connector[ |]|`connector`|连接器")
	for _, page := range append(pages(t), "deploy/yiyuan.yaml", "deploy/compose.yaml", "deploy/prometheus/prometheus.yml") {
		if page == "CHANGELOG.md" || page == "docs/glossary.md" || filepath.Dir(page) == "docs/adr" {
			continue // they say what it was called, or must not be
		}
		b, err := os.ReadFile(filepath.Join(tree, filepath.FromSlash(page)))
		if err != nil {
			t.Fatal(err)
		}
		if found := other.FindString(string(b)); found != "" {
			t.Errorf("%s says %q", page, found)
		}
	}
}
