package contract_test

import (
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Whatever stands still says what a person does about it, whoever asks and whether or
// not the source itself has said so; what was retired needs nothing.
func TestWhatStandsStillSaysWhatToDo(t *testing.T) {
	for _, state := range contract.States() {
		if state == contract.StateSilent {
			continue // no source says that of itself
		}
		for name, known := range map[string]contract.Known{"heard": {}, "silent": {Age: time.Hour}, "here": {Here: true}, "failing here": {Here: true, Failure: "不行 / no"}} {
			w := contract.SourceStatus{State: state, Error: "原因 / reason"}.Word("s", known)
			if contract.StandsStill(w.State) && w.State != contract.StateRetired && (w.Do == "" || w.Why == "") {
				t.Errorf("%s, %s: %+v", state, name, w)
			}
		}
	}
}
