package wiring

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// What is wrong with conditions is told like all else that is wrong in a file: where it stands,
// all of it at once.
func TestConditionsAreToldByTheirPlace(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, yunling.Files()); err != nil {
		t.Fatal(err)
	}
	edit := func(file, old, text string) {
		t.Helper()
		path := filepath.Join(dir, file)
		said, err := os.ReadFile(path)
		if err != nil || strings.Count(string(said), old) < 1 {
			t.Fatalf("%s has no %q: %v", file, old, err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(said), old, text, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit("rules/XV-15.yaml", `SC02.exists(l, l.YCRQ == null)`, `SC02.exists(l, l.YCRQ == null`)
	edit("rules/XV-19.yaml", `days(coalesce(`, `dayz(coalesce(`)
	edit("entities/enterprise.yaml", `where: 'row.CBZTDM == "1"'`, `where: 'row.CBZTDM == 1'`)
	cat, err := Catalogue(dir)
	if err != nil {
		t.Fatal(err)
	}
	var told *manifest.Problems
	if err := Compile(cat); !errors.As(err, &told) {
		t.Fatalf("Compile = %v", err)
	}
	for _, want := range []string{
		"rules/XV-15.yaml:13:11: 情形 listed 的 when：表达式第 1 行第 104 列：语法有误",
		"rules/XV-19.yaml:10:11: 情形 dead 的 when：表达式第 1 行第 117 列：没有函数 \"dayz\"",
		"entities/enterprise.yaml:32:59: 数据集 RS01 的 where：表达式第 1 行第 12 列：== 不能用于这些类型",
	} {
		if !strings.Contains(told.Error(), want) {
			t.Errorf("not told: %s\nin: %v", want, told)
		}
	}
}
