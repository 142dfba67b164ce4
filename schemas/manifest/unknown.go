package manifest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// few is how many names a message lists: all of a short list, of a long one the nearest.
const few = 12

// unknown records that name is not one of known, which stand in the file or folder
// where: what is near, and all of them or where they are.
func (n node) unknown(rule, whatChinese, what, name string, known []string, where string) {
	zh, en := hint(name, known, where)
	n.problem(rule, "%[1]s %[3]q 不存在%[4]s", "unknown %[2]s %[3]q%[5]s", whatChinese, what, name, zh, en)
}

// notAmong is unknown for a set that the language of catalogues closes: all of it is
// said, whatever is near.
func (n node) notAmong(rule, whatChinese, what, name string, set []string) {
	all, meant := strings.Join(set, " "), near(name, set)
	zh, en := told(meant[:min(1, len(meant))], "可用："+all, "known: "+all)
	n.problem(rule, "%[1]s %[3]q 不存在%[4]s", "unknown %[2]s %[3]q%[5]s", whatChinese, what, name, zh, en)
}

// unknownID says that a dataset or entity does not exist, unless its file is
// there and was refused: then that is what has to be said, once.
func (l *loader) unknownID(at node, folder, whatChinese, what, id string, known []string) {
	if id != "" && !l.broken[folder+"/"+id] {
		at.unknown("unknown-"+what, whatChinese, what, id, known, folder+"/")
	}
}

// near returns the known names that could be what was meant, the closest first.
func near(name string, known []string) []string {
	size := len([]rune(name))
	limit := min(max(size/3, 1)+1, size)
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	for _, k := range known {
		d := editDistance(name, k, limit)
		if strings.EqualFold(k, name) {
			d = 0
		}
		if d < limit {
			found = append(found, candidate{k, d})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	var names []string
	for _, c := range found[:min(len(found), 4)] {
		names = append(names, c.name)
	}
	return names
}

// hint turns the names that are near, and all there are or where they stand, into the
// last words of a message.
func hint(name string, known []string, where string) (chinese, english string) {
	all, count := strings.Join(known, " "), strconv.Itoa(len(known))
	switch {
	case len(known) == 0:
		return told(nil, "还一个也没有", "there is none yet")
	case len(known) <= few:
		return told(near(name, known), "可用："+all, "known: "+all)
	}
	return told(near(name, known), "共 "+count+" 个，见 "+where, "all "+count+" are in "+where)
}

// told puts what may be meant before what there is.
func told(meant []string, chinese, english string) (zh, en string) {
	if len(meant) == 0 {
		return "；" + chinese, "; " + english
	}
	return "，是否想写 " + strings.Join(meant, "、") + "；" + chinese, ", did you mean " + strings.Join(meant, " or ") + "? " + strings.ToUpper(english[:1]) + english[1:]
}

// editDistance counts insertions, deletions, replacements and swaps of
// neighbours, and stops at limit.
func editDistance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if d := len(x) - len(y); d >= limit || -d >= limit {
		return limit
	}
	before, row, next := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		next[0] = i + 1
		least := next[0]
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			d := min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				d = min(d, before[j-1]+1)
			}
			next[j+1] = d
			least = min(least, d)
		}
		if least >= limit {
			return limit
		}
		before, row, next = row, next, before
	}
	return row[len(y)]
}
