package plan

import (
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// The compatibility levels of topics: raw topics are read by our own steps,
// which are upgraded first; shared and resolved ones by anybody.
const (
	backwardTransitive = "BACKWARD_TRANSITIVE"
	fullTransitive     = "FULL_TRANSITIVE"
)

// difference collects what differs, group by group, each in both tongues.
type difference struct {
	plan    *Plan
	judge   compat
	refused map[string]bool // of what something is refused
	regions bool            // the city's districts or towns change
}

// compat says whether next may follow old on a topic under a level of the registry.
type compat func(level string, next, old *schemas.Layout) error

// about is what a change is of.
type about struct{ of, field, file string }

func (d *difference) change(kind Kind, a about, chinese, english string, args ...any) Change {
	return Change{Kind: kind, Of: a.of, Field: a.field, File: a.file, Chinese: fill(chinese, args), English: fill(english, args)}
}

// fill fills in the arguments. A text need not use all of them: fmt does not
// mind as long as verbs are indexed.
func fill(text string, args []any) string {
	if !strings.Contains(text, "%[") {
		return text
	}
	return fmt.Sprintf(text, args...)
}

func (d *difference) expose(kind Kind, a about, chinese, english string, args ...any) {
	d.plan.Exposed = append(d.plan.Exposed, d.change(kind, a, chinese, english, args...))
}

func (d *difference) remove(a about, chinese, english string, args ...any) {
	d.plan.Removed = append(d.plan.Removed, d.change(Removed, a, chinese, english, args...))
}

func (d *difference) note(kind Kind, a about, chinese, english string, args ...any) {
	d.plan.Compatible = append(d.plan.Compatible, d.change(kind, a, chinese, english, args...))
}

func (d *difference) refuse(a about, chinese, english string, args ...any) {
	d.plan.Refused = append(d.plan.Refused, d.change(Refused, a, chinese, english, args...))
}
