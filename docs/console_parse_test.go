package docs_test

import (
	"errors"
	"strings"
	"testing"
)

// TestConsole: a page that does not hold is not taken for one that does.
func TestConsole(t *testing.T) {
	t.Parallel()
	sections, err := parse("# T\n\n## A\n\n```console\n$ echo one; echo two\none\n…\n$ cat <<E\n> x $((1+1))\n> E\nx 2\n```\n### B\n\n```console until\n$ n=$((n+1)); echo $n\n3\n```\n")
	if err != nil || len(sections) != 2 || len(sections[0].blocks[0].steps) != 2 || !sections[1].blocks[0].until {
		t.Fatalf("parse = %+v, %v", sections, err)
	}
	s := open(t, t.TempDir(), nil, "/etc/city", "/dev")
	for _, sec := range sections {
		for _, b := range sec.blocks {
			if err := s.follow(b); err != nil {
				t.Error(err)
			}
		}
	}
	for name, block := range map[string]string{
		"another answer":     "$ echo one\ntwo",
		"more than is shown": "$ echo one; echo two\none",
		"less than is shown": "$ echo one\none\ntwo",
		"unshown":            "$ echo one",
		"another status":     "$ echo one; false\none",
		"a wrong command":    "$ nothing-is-called-so\n…",
	} {
		bad, err := parse("## A\n```console\n" + block + "\n```\n")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.follow(bad[0].blocks[0]); !errors.Is(err, errStep) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if answer, status, err := s.run("ls -d /etc/city/null"); err != nil || status != 0 || strings.TrimSpace(answer) != "/etc/city/null" {
		t.Errorf("places: %q %d %v", answer, status, err)
	}
	for _, bad := range []string{"```console\n$ a\n```", "## A\n```console\n```", "## A\n```console\nx\n```", "## A\n```console\n$ a", "## A\n```console until\n$ a\n$ b\n```"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("taken: %q", bad)
		}
	}
}
