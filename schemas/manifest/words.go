package manifest

import (
	"maps"
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// levels are the data grades, lowest first.
var levels = []string{"L1", "L2", "L3", "L4"}

// higher returns the higher of two levels; "" is below all.
func higher(a, b string) string {
	if slices.Index(levels, b) > slices.Index(levels, a) {
		return b
	}
	return a
}

// lowered returns the level below, L1 for L1.
func lowered(level string) string {
	if i := slices.Index(levels, level); i > 0 {
		return levels[i-1]
	}
	return levels[0]
}

var (
	classes     = []string{"A", "B", "C"}
	cycles      = []string{"realtime", "daily", "weekly", "monthly", "quarterly", "halfyear", "yearly"}
	formats     = []string{"database", "spreadsheet", "file", "document", "image", "stream", "service"}
	severities  = []string{"high", "medium", "low"}
	certainties = []string{schemas.Contradiction, schemas.ToConfirm}
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
