package contract_test

import (
	"slices"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

func TestLost(t *testing.T) {
	a, b, c := contract.Shared("GA01.partial"), contract.Raw("GA01"), contract.State(contract.Route)
	had := contract.Identities{a: "1", b: "2", c: "3"}
	for name, one := range map[string]struct {
		now  contract.Identities
		lost []contract.Topic
	}{
		"as they were":  {contract.Identities{a: "1", b: "2", c: "3", contract.Findings: "4"}, nil},
		"one is gone":   {contract.Identities{a: "1", c: "3"}, []contract.Topic{b}},
		"one was anew":  {contract.Identities{a: "1", b: "2", c: "4"}, []contract.Topic{c}},
		"all are other": {contract.Identities{a: "2", b: "3", c: "1"}, []contract.Topic{b, a, c}},
	} {
		if lost := had.Lost(one.now); !slices.Equal(lost, one.lost) {
			t.Errorf("%s: lost %q, want %q", name, lost, one.lost)
		}
	}
	for topic, again := range map[contract.Topic]bool{a: true, b: false, c: false, contract.Findings: true, contract.Refused: true, contract.Resolved("person"): true, contract.Claims("person"): true, contract.Audit: false, contract.Sources: false, contract.Catalogues: false} {
		if topic.Republished() != again {
			t.Errorf("%s is published again: %t", topic, !again)
		}
	}
}

// TestBeginsAgain: of two that find topics lost at once, one has the catalogue begin again.
func TestBeginsAgain(t *testing.T) {
	var f contract.InForce
	if !f.Take(contract.Applied{Version: "a"}) || f.Begun() != 1 {
		t.Fatal("the first is not taken")
	}
	first, second := f.Again([]contract.Topic{contract.Findings}, "x", 1), f.Again([]contract.Topic{contract.Findings}, "y", 2)
	if !f.Take(first) || f.Take(second) || f.By != "x" || f.Begun() != 2 || f.Version != "a" {
		t.Errorf("in force: %+v, the %d-th", f.Applied, f.Begun())
	}
}
