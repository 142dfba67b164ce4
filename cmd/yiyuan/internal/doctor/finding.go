package doctor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
)

// The grades of a finding.
const (
	OK      = "ok"
	Warning = "warning"
	Problem = "problem"
)

// Finding is what one check came to. Texts are Chinese, then English.
type Finding struct {
	Check string `json:"check"`
	Grade string `json:"grade"`
	What  string `json:"what"`
	Do    string `json:"do,omitempty"`
}

func fine(check, what string) Finding { return Finding{check, OK, what, ""} }

func warning(check, what, do string) Finding { return Finding{check, Warning, what, do} }

func problemFound(check, what, do string) Finding { return Finding{check, Problem, what, do} }

// Count is how many findings have a grade.
func Count(found []Finding, grade string) int {
	n := 0
	for _, f := range found {
		if f.Grade == grade {
			n++
		}
	}
	return n
}

// Write prints findings as output says, table or json.
func Write(to io.Writer, output string, found []Finding) error {
	problems, warnings := Count(found, Problem), Count(found, Warning)
	if output == "json" {
		e := json.NewEncoder(to)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(struct {
			Checks   []Finding `json:"checks"`
			Problems int       `json:"problems"`
			Warnings int       `json:"warnings"`
		}{found, problems, warnings})
	}
	mark := map[string]string{OK: "✓", Warning: "!", Problem: "✗"}
	width := 0
	for _, f := range found {
		width = max(width, runewidth.StringWidth(f.Check))
	}
	var failed []error
	say := func(format string, args ...any) {
		_, err := fmt.Fprintf(to, format, args...)
		failed = append(failed, err)
	}
	for _, f := range found {
		say("%s %s  %s\n", mark[f.Grade], runewidth.FillRight(f.Check, width), f.What)
		if f.Do != "" {
			say("  %s  → %s\n", strings.Repeat(" ", width), f.Do)
		}
	}
	say("\n%d 项检查，%d 项有问题，%d 项需留意 / %d checks, %d problems, %d warnings\n", len(found), problems, warnings, len(found), problems, warnings)
	return errors.Join(failed...)
}

// unanswered is a check that a service did not let us make.
func unanswered(check string, err error) Finding {
	return problemFound(check, "查不到 / could not be asked: "+terminal.FirstLine(err), "检查本账号的权限和集群状态 / check the rights of this account and the state of the cluster")
}

// errNoAnswer stands for a service that says something else than it should.
var errNoAnswer = errors.New("unexpected answer")
