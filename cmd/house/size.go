package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What the house keeps to (CONTRIBUTING.md): lines of code, comments and blanks of a package and of a file, tests not counted.
const (
	packageLines = 3000
	fileLines    = 500
)

// sizes prints the lines of packages, the largest first, and files that are too long.
func sizes(out *strings.Builder, module string, ours []*unit, due debt, all bool) (bool, error) {
	type sum struct {
		place string
		lines int
		files int
	}
	var sums []sum
	var long []string
	total, passed := 0, false
	for _, u := range ours {
		s := sum{place: u.place(module)}
		for _, path := range u.paths() {
			text, err := os.ReadFile(path)
			if err != nil {
				return false, err
			}
			n := bytes.Count(text, []byte{'\n'})
			s.lines += n
			s.files++
			if n > fileLines {
				passed = !due.of(s.place) || passed
				long = append(long, fmt.Sprintf("%6d  %s/%s", n, s.place, filepath.Base(path)))
			}
		}
		total += s.lines
		sums = append(sums, s)
	}
	slices.SortFunc(sums, func(a, b sum) int { return b.lines - a.lines })
	fmt.Fprintf(out, "packages: %d, %d lines without tests; at most %d a package, %d a file\n", len(sums), total, packageLines, fileLines)
	for i, s := range sums {
		over := ""
		if s.lines > packageLines {
			over, passed = "  too large", !due.of(s.place) || passed
		}
		if all || over != "" || i < 3 {
			fmt.Fprintf(out, "%6d  %s (%d files)%s\n", s.lines, s.place, s.files, over)
		}
	}
	for _, line := range long {
		fmt.Fprintln(out, line+"  too long")
	}
	return passed, nil
}
