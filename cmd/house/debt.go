package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// debt is the packages that docs/architecture.md, in its block `debt`, admits to be too large or to have circles: true once that was found.
type debt map[string]bool

func debts(page string) debt {
	_, block, _ := strings.Cut(page, "```debt\n")
	block, _, _ = strings.Cut(block, "```")
	due := debt{}
	for _, place := range strings.Fields(block) {
		due[place] = false
	}
	return due
}

// of reports whether a package that passes a limit is admitted to do so.
func (d debt) of(place string) bool {
	if _, admitted := d[place]; !admitted {
		return false
	}
	d[place] = true
	return true
}

// paid prints what is admitted and keeps every limit: it is to be struck off, or the limit could be passed again unseen.
func (d debt) paid(out *strings.Builder) bool {
	some := false
	for _, place := range slices.Sorted(maps.Keys(d)) {
		if !d[place] {
			some = true
			fmt.Fprintf(out, "        %s keeps every limit: strike it off the block `debt` of docs/architecture.md\n", place)
		}
	}
	return some
}
