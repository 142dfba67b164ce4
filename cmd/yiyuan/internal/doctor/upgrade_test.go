package doctor

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestUpgradeIsTold: a bus that an earlier build made is told before the next start
// upgrades it, and each retention that was lifted until it is set again; a newer
// build's bus is a problem, a new one is nothing to speak of.
func TestUpgradeIsTold(t *testing.T) {
	b := bustest.Embedded(t).Open(t, nil)
	expectUpgrade := func(what string, landed bool, grades ...string) {
		t.Helper()
		found := checkUpgrade(t.Context(), b, landed)
		if len(found) != len(grades) {
			t.Fatalf("%s: doctor says %+v", what, found)
		}
		for i, f := range found {
			if f.Grade != grades[i] {
				t.Errorf("%s: doctor says %+v, want %s", what, f, grades[i])
			}
		}
		everyProblemSaysWhatToDo(t, found)
	}
	expectUpgrade("a new bus", false)
	expectUpgrade("a bus of an earlier build", true, Warning)
	if err := b.Ensure(t.Context(), contract.BusSpec); err != nil {
		t.Fatal(err)
	}
	mark := func(m contract.Mark) {
		t.Helper()
		value, err := json.Marshal(m)
		if err == nil {
			err = b.Append(t.Context(), bus.Record{Topic: contract.Bus, Partition: bus.ByKey, Key: []byte(contract.MarkKey), Value: value})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	mark(contract.Mark{Format: contract.Format, Lifted: map[contract.Topic]int64{contract.Claims("person"): time.Now().UnixMilli(), contract.Quarantine: time.Now().UnixMilli()}})
	expectUpgrade("an upgraded bus", true, OK, OK)
	mark(contract.Mark{Format: contract.Format})
	expectUpgrade("all retention set again", true)
	mark(contract.Mark{Format: contract.Format + 1})
	expectUpgrade("a bus of a newer build", true, Problem)
}
