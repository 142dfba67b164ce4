package demo

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// TestDemoBase runs the demonstration with the day that it may be told, on a machine
// whose own day may be another: what its truth file lists is what is found, one by one.
// Any other day, and in a kept folder any but the day it was begun on, is refused: rules
// go by the clock, and a city of another day has other contradictions than its truth.
func TestDemoBase(t *testing.T) {
	e2e.InTurn(t)
	t.Setenv("TZ", "Pacific/Honolulu")
	today := synthetic.Today(time.Now())
	dir := filepath.Join(t.TempDir(), "kept")
	p, _, city := demonstrated(t, "--correct-after", "1h", "--data", dir, "--base", today)
	want := plantedIn(t, city.Truth, today, filepath.Join(dir, "keys.yaml"))
	var got []string
	e2e.Await(t, "all that is planted", func() string {
		var waiting int
		if got, waiting = openIn(t, city.Gateway); waiting > 0 {
			return fmt.Sprintf("%d cases wait for a first copy", waiting)
		}
		if len(got) < len(want) {
			return fmt.Sprintf("%d of %d", len(got), len(want))
		}
		return ""
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("truth and open findings differ (-truth +found):\n%s", diff)
	}
	p.Stop()

	now := time.Now()
	for _, c := range []struct {
		base, folder, says string
	}{
		{synthetic.Today(now.AddDate(0, 0, -1)), "", "is not " + synthetic.Today(now) + " (今天 / today)"},
		{synthetic.Today(now.AddDate(0, 0, 1)), "", "is not " + synthetic.Today(now) + " (今天 / today)"},
		{"2026-2-30", "", "want 2026-11-22"},
		{synthetic.Today(now.AddDate(0, 0, 2)), dir, "is not " + today + " (所留城市开始的那天"},
	} {
		args := []string{"demo", "--json", "--listen", "127.0.0.1:0", "--base", c.base}
		if c.folder != "" {
			args = append(args, "--data", c.folder)
		}
		p := e2e.Launch(t, args...)
		e2e.Await(t, "the refusal of "+c.base, func() string {
			if p.Running() {
				return "it runs"
			}
			return ""
		})
		var exit *exec.ExitError
		if !errors.As(p.Err, &exit) || exit.ExitCode() != e2e.EndUsage || !strings.Contains(string(p.Stderr.Bytes()), c.says) || len(p.Stdout.Bytes()) > 0 {
			t.Errorf("--base %s: %v, printed %q and %q, want it refused by %q", c.base, p.Err, p.Stdout.Bytes(), p.Stderr.Bytes(), c.says)
		}
	}
	if again := plantedIn(t, city.Truth, today, filepath.Join(dir, "keys.yaml")); !slices.Equal(again, want) {
		t.Error("a refused start wrote another truth")
	}
}

// plantedIn are the findings that a truth file of a day lists, by name.
func plantedIn(t *testing.T, file, day, keyFile string) []string {
	t.Helper()
	keys, err := keyring.Load(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l struct{ Type, Base, Rule, Case, Entity, Key, Owner string }
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			continue // a row, whose key has parts
		}
		switch {
		case l.Type == "run" && l.Base != day:
			t.Errorf("the truth is of %s, want %s", l.Base, day)
		case l.Type == "finding":
			out = append(out, e2e.FindingName(l.Rule, l.Case, l.Entity, keys.Token("finding", l.Key))+" "+l.Owner)
		}
	}
	if err := lines.Err(); err != nil || len(out) < 100 {
		t.Fatalf("%d findings in the truth file: %v", len(out), err)
	}
	slices.Sort(out)
	return out
}

// openIn are the findings that are open, by name, and how many cases are not judged yet.
func openIn(t *testing.T, gateway string) (open []string, waiting int) {
	t.Helper()
	for at := ""; ; {
		status, body := e2e.Request(t, http.MethodGet, gateway+"/v1/findings?limit=200"+at, "", "", "")
		var page struct {
			Findings []struct{ Rule, Case, Entity, Subject, Owner, State string }
			Next     string
			Waiting  []any
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK {
			t.Fatalf("findings: %d %s %v", status, body, err)
		}
		for _, f := range page.Findings {
			if f.State == "open" {
				open = append(open, e2e.FindingName(f.Rule, f.Case, f.Entity, f.Subject)+" "+f.Owner)
			}
		}
		if page.Next == "" {
			slices.Sort(open)
			return open, len(page.Waiting)
		}
		at = "&cursor=" + url.QueryEscape(page.Next)
	}
}
