package processors

import (
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Step says what one step of the journey reads and writes. Name is its consumer group, its
// state and its label in metrics.
type Step struct {
	Name  string
	From  []contract.Topic
	To    []contract.Topic
	Stage func() (Stage, error) // makes one for a worker
	// Home returns the key of the input records that a state key, or the key of a
	// timer, is about. With it a step can be given more partitions: see
	// Repartition.
	Home func(key []byte, timer bool) []byte
	// Common reports whether a state key, or the key of a timer, is about no input
	// record but the same in every partition; one that is added begins with it. nil if
	// there is none.
	Common func(key []byte, timer bool) bool
	Masks  *MaskFailures // of all its workers; nil if it masks nothing
	// Keys is the key ring that its tokens are made with, nil if it makes none. State
	// made with another ring is refused.
	Keys Ring
}

// Specs returns the topics a step needs for itself: its state's changelog.
func Specs(s Step) []contract.Spec {
	return []contract.Spec{{Topic: contract.State(s.Name), Compact: true, Grown: s.Home != nil}}
}
