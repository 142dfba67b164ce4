package engine

import (
	"errors"
	"slices"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestWhole: an assignment is a worker's own only if it names each partition of just the
// inputs. Kafka gives who comes back what it had, be it as many topics as it reads now.
func TestWhole(t *testing.T) {
	link := &kafka.Link{Config: kafka.Config{Prefix: "p."}}
	h := newHolding(&Engine{link: link}, Transaction{Group: "g", From: []contract.Topic{"a", "b"}}, nil, &bell{})
	for name, c := range map[string]struct {
		named map[string][]int32
		want  []int32 // nil = not its own
	}{
		"nothing":                {nil, []int32{}},
		"all":                    {map[string][]int32{"p.a": {1, 0}, "p.b": {0, 1}}, []int32{0, 1}},
		"one input":              {map[string][]int32{"p.a": {0}}, nil},
		"a partition too few":    {map[string][]int32{"p.a": {0, 1}, "p.b": {0}}, nil},
		"others' partitions":     {map[string][]int32{"p.a": {0}, "p.b": {1}}, nil},
		"an input more":          {map[string][]int32{"p.a": {0}, "p.b": {0}, "p.c": {0}}, nil},
		"another in its place":   {map[string][]int32{"p.a": {0}, "p.c": {0}}, nil},
		"another, of no meaning": {map[string][]int32{"p.a": {0}, "p.b": {0}, "p.c": {}}, []int32{0}},
	} {
		got, err := h.whole(c.named)
		if errors.Is(err, errMixed) != (c.want == nil) || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
