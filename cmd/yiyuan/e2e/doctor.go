package e2e

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// DoctorSays runs the command and returns what it found. Its exit code must
// agree with that.
func DoctorSays(t *testing.T, config string) []Check {
	t.Helper()
	out, err := exec.CommandContext(Bounded(t), "yiyuan", "doctor", "-o", "json", "--config", config).Output()
	var said struct {
		Checks   []Check `json:"checks"`
		Problems int     `json:"problems"`
	}
	if err := json.Unmarshal(out, &said); err != nil {
		t.Fatalf("doctor: %v in %s", err, out)
	}
	problems := 0
	for _, c := range said.Checks {
		if c.Grade == Ill {
			problems++
		}
	}
	code := endOK
	var ended *exec.ExitError
	if AsExit(err, &ended) {
		code = ended.ExitCode()
	}
	want := endOK
	if said.Problems > 0 {
		want = EndProblems
	}
	if code != want || said.Problems != problems {
		t.Errorf("doctor ends with %d, having found %d problems", code, said.Problems)
	}
	return said.Checks
}
