package document

import (
	"cmp"
	"slices"
)

// Nearest are the known words that differ from one that somebody wrote by fewer than limit bytes,
// see Distance: the nearest first, those equally near as they are known.
func Nearest(word string, known []string, limit int) []string {
	far := make(map[string]int, len(known))
	var near []string
	for _, k := range known {
		if far[k] = Distance(word, k); far[k] < limit {
			near = append(near, k)
		}
	}
	slices.SortStableFunc(near, func(a, b string) int { return cmp.Compare(far[a], far[b]) })
	return near
}

// Distance counts the bytes to add, take away or replace between two words, one of which
// somebody wrote for the other (Levenshtein).
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
