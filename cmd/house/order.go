package main

import (
	"errors"
	"fmt"
	"strings"
)

// order reads the floors of the house from docs/architecture.md: the lines of the fenced block `order`, the ground first, each the
// folders of one floor. A folder stands for all below it that no longer line names.
func order(page string) (map[string]int, error) {
	_, block, found := strings.Cut(page, "```order\n")
	if !found {
		return nil, errors.New("docs/architecture.md has no block ```order")
	}
	block, _, _ = strings.Cut(block, "```")
	floors := map[string]int{}
	for i, line := range strings.Split(strings.TrimSpace(block), "\n") {
		for _, folder := range strings.Fields(line) {
			if _, twice := floors[folder]; twice {
				return nil, fmt.Errorf("docs/architecture.md: the order names %s twice", folder)
			}
			floors[folder] = i + 1
		}
	}
	return floors, nil
}

// against prints the imports that run up, or sideways between two folders of one floor, and packages that the order does not name.
func against(out *strings.Builder, module string, ours []*unit, floors map[string]int) bool {
	count := 0
	var lines []string
	for _, u := range ours {
		from := u.place(module)
		room, floor := standing(from, floors)
		if floor == 0 {
			lines = append(lines, fmt.Sprintf("        %s stands on no floor", from))
			continue
		}
		for _, path := range u.Imports {
			to, isOurs := strings.CutPrefix(path, module+"/")
			if !isOurs {
				continue
			}
			count++
			if beside, below := standing(to, floors); below > floor || below == floor && beside != room {
				lines = append(lines, fmt.Sprintf("        %s (floor %d) imports %s (floor %d)", from, floor, to, below))
			}
		}
	}
	fmt.Fprintf(out, "packages: %d imports of one another, %d against the order of docs/architecture.md\n", count, len(lines))
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	return len(lines) > 0
}

// standing finds the line that names the folder, or the nearest folder above it.
func standing(place string, floors map[string]int) (room string, floor int) {
	for room = place; ; {
		if floor = floors[room]; floor > 0 {
			return room, floor
		}
		cut := strings.LastIndexByte(room, '/')
		if cut < 0 {
			return "", 0
		}
		room = room[:cut]
	}
}
