package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// halfWidth finds a half-width comma, semicolon, colon, exclamation or question mark behind a Chinese character within a Chinese text, where
// GB/T 15834 wants the full-width one. Before a blank and a Latin letter, a figure or a sign the text is English that names a Chinese word, or
// YAML; at the end of a line a key of YAML. The comma of an enumeration in YAML's brackets stands before a blank, and so does that of English.
var halfWidth = regexp.MustCompile(`[\x{3400}-\x{9fff}\x{20000}-\x{323af}”’）》】%][,;:!?](?:[^\s]| *[\x{3400}-\x{9fff}])`)

// halfWidthBefore finds a half-width comma or semicolon that stands before a Chinese character without a blank, whatever is before it: Latin, a
// figure, a verb of a format, a backtick or a bracket; and a colon behind a figure, a bracket or a verb. A colon behind a Latin word may be of
// a form that is written so (file:路径), and the semicolon of HTML's &lt; is none.
var halfWidthBefore = regexp.MustCompile(`[,;][\x{3400}-\x{9fff}\x{20000}-\x{323af}]|(?:%[a-z]|[\d)]):[\x{3400}-\x{9fff}\x{20000}-\x{323af}]`)

// entity is a character as HTML spells it.
var entity = regexp.MustCompile(`&[a-z]+;`)

// han is a Chinese character.
var han = regexp.MustCompile(`\p{Han}`)

// texts prints where Chinese has half-width punctuation, and where something bears a name that docs/glossary.md says it must not bear.
func texts(ctx context.Context, out *strings.Builder) (bool, error) {
	page, err := os.ReadFile("docs/glossary.md")
	if err != nil {
		return false, err
	}
	banned := notCalled(string(page))
	list, err := exec.CommandContext(ctx, "git", "ls-files").Output()
	if err != nil {
		return false, fmt.Errorf("git ls-files: %w", err)
	}
	count := 0
	var lines []string
	for path := range strings.Lines(string(list)) {
		path = strings.TrimSpace(path)
		if !written(path) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return false, err
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			for _, fault := range faults(path, line, banned) {
				lines = append(lines, fmt.Sprintf("        %s:%d %s", path, number, fault))
			}
			count++
		}
	}
	fmt.Fprintf(out, "texts: %d lines, %d faults of punctuation and of words (docs/glossary.md)\n", count, len(lines))
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	return len(lines) > 0, nil
}

// written tells what people read from data, from what is built, and from tests, whose texts follow those of the code.
func written(path string) bool {
	for _, not := range []string{"testdata/", "/dist/", "package-lock", "/mock/", "benchmarks/results", "cmd/yiyuan/e2e/", ".test.ts"} {
		if strings.Contains(path, not) {
			return false
		}
	}
	for _, ending := range []string{".go", ".md", ".yaml", ".yml", ".ts", ".tsx", "Makefile", ".html", "/testbed", "/gotest", "/run"} {
		if strings.HasSuffix(path, ending) {
			return !strings.HasSuffix(path, "_test.go")
		}
	}
	return false
}

// faults are those of one line.
func faults(path, line string, banned []string) []string {
	var found []string
	if at := halfWidth.FindStringIndex(line); at != nil && !inBrackets(path, line, at[0]) {
		found = append(found, fmt.Sprintf("half-width punctuation behind %q", line[max(0, at[0]-12):at[1]]))
	}
	plain := entity.ReplaceAllStringFunc(line, func(e string) string { return strings.Repeat("x", len(e)) })
	if at := halfWidthBefore.FindStringIndex(plain); len(found) == 0 && at != nil && !inBrackets(path, line, at[0]) {
		found = append(found, fmt.Sprintf("half-width punctuation before %q", line[at[0]:at[1]]))
	}
	if path == "docs/glossary.md" {
		return found
	}
	for _, word := range banned {
		if strings.Contains(line, word) {
			found = append(found, fmt.Sprintf("%q is not what it is called", word))
		}
	}
	return found
}

// inBrackets reports whether a place of a YAML line stands in a flow sequence or mapping, whose comma is YAML's.
func inBrackets(path, line string, at int) bool {
	if !strings.HasSuffix(path, ".yaml") || strings.HasPrefix(strings.TrimSpace(line), "#") {
		return false
	}
	before := line[:at]
	return strings.Count(before, "[")+strings.Count(before, "{") > strings.Count(before, "]")+strings.Count(before, "}") && strings.Count(before, `"`)%2 == 0 && strings.Count(before, "'")%2 == 0
}

// notCalled reads the last column of the glossary's table: words in backticks. Only Chinese ones are looked for, since an English one may
// be right elsewhere.
func notCalled(page string) []string {
	var words []string
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i, word := range strings.Split(cells[len(cells)-1], "`") {
			if i%2 == 1 && han.MatchString(word) {
				words = append(words, word)
			}
		}
	}
	return words
}
