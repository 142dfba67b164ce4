package manifest

import (
	"maps"
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
)

// higher returns the higher of two levels; "" is below all.
func higher(a, b string) string {
	if slices.Index(format.Levels, b) > slices.Index(format.Levels, a) {
		return b
	}
	return a
}

// lowered returns the level below, L1 for L1.
func lowered(level string) string {
	if i := slices.Index(format.Levels, level); i > 0 {
		return format.Levels[i-1]
	}
	return format.Levels[0]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
