package contract

import (
	"bytes"
	"errors"
	"testing"
)

// Of what came at once, the first in the log counts, wherever reading begins anew.
func TestInForce(t *testing.T) {
	t.Parallel()
	var f InForce
	for _, step := range []struct {
		a      Applied
		counts bool
		now    string
	}{
		{Applied{Version: "x", After: "w"}, false, ""},
		{Applied{Version: "a", After: ""}, true, "a"},
		{Applied{Version: "b", After: ""}, false, "a"}, // another first start
		{Applied{Version: "c", After: "a"}, true, "c"},
		{Applied{Version: "d", After: "a"}, false, "c"}, // planned against what is no longer in force
		{Applied{Version: "a", After: "c"}, true, "a"},  // back again
	} {
		if got := f.Take(step.a); got != step.counts || f.Version != step.now || f.Any() != (step.now != "") {
			t.Errorf("%q after %q: took effect %t, in force %q", step.a.Version, step.a.After, got, f.Version)
		}
	}
}

func TestApplied(t *testing.T) {
	t.Parallel()
	a := Applied{Version: "a", After: "b", Sample: true, By: "ops", At: 7, Files: []byte("zip")}
	value, err := a.Append()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseApplied(value)
	if err != nil || got.Version != "a" || got.After != "b" || !got.Sample || got.By != "ops" || got.At != 7 || string(got.Files) != "zip" {
		t.Errorf("ParseApplied = %+v, %v", got, err)
	}
	if _, err := ParseApplied(bytes.Replace(value, []byte(`"format":1`), []byte(`"format":2`), 1)); !errors.Is(err, ErrAppliedFormat) {
		t.Errorf("of a newer build: %v", err)
	}
	a.Files = make([]byte, AppliedLimit)
	_, err = a.Append()
	if large := (*AppliedLargeError)(nil); !errors.As(err, &large) || large.Bytes <= AppliedLimit {
		t.Errorf("too large: %v", err)
	}
}
