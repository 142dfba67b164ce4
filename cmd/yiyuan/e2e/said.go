package e2e

import (
	"errors"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/gateway"
)

// The roles of a process.
const (
	ConnectorsRole = "connectors"
	ProcessorsRole = "processors"
	GatewayRole    = "gateway"
)

// What a command ends with: docs/reference/commands.md.
const (
	endOK          = 0
	EndProblems    = 1
	EndUsage       = 2
	EndDenied      = 3
	EndNotFound    = 4
	EndUnavailable = 5
)

// DemoCity is the line that a demonstration prints for programs.
type DemoCity struct {
	Gateway  string            `json:"gateway"`
	Console  string            `json:"console"`
	Kafka    string            `json:"kafka"`
	Registry string            `json:"registry"`
	Push     string            `json:"push"`
	Admin    string            `json:"admin"`
	Truth    string            `json:"truth"`
	Apps     []gateway.DemoApp `json:"apps"`
	PushKeys map[string]string `json:"push_keys"`
	Samples  map[string]string `json:"samples"`
}

// The grades of what the doctor checks.
const (
	Sound  = "ok"
	Warned = "warning"
	Ill    = "problem"
)

// Check is one of the doctor's, as it says it to programs.
type Check struct {
	Check string `json:"check"`
	Grade string `json:"grade"`
	What  string `json:"what"`
	Do    string `json:"do"`
}

// Judged is what was said by a check of this grade.
func Judged(found []Check, name, grade string) string {
	var out []string
	for _, f := range found {
		if f.Check == name && f.Grade == grade {
			out = append(out, f.What)
		}
	}
	return strings.Join(out, "\n")
}

// WantJudged fails the test if no check of this name and grade says it.
func WantJudged(t *testing.T, found []Check, name, grade, says string) {
	t.Helper()
	if got := Judged(found, name, grade); got == "" || !strings.Contains(got, says) {
		t.Errorf("%s %s = %q, want it to say %q; all: %v", name, grade, got, says, found)
	}
}

// WithoutURL drops the request's URL from a transport error: it holds the key asked for.
func WithoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// AsExit reports whether a command ended with an exit code other than 0.
func AsExit(err error, into **exec.ExitError) bool { return errors.As(err, into) }
