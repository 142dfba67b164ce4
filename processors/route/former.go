package route

import "slices"

// Where several sources feed a dataset, a row is of the one that said it last. The others
// that had said it are remembered with their last word, for two things that only this
// tells apart: a source whose table holds its own former row no more, which another has said
// since (the person has moved to that department's table), takes away nothing, however often
// it says so; one that deletes a row it never said means the row, and so does a department
// that pushes a deletion.

// maxFormer is of how many sources that is remembered; the elder go first.
const maxFormer = 8

// formers are who has said the row before c's source, once c is taken.
func (m *image) formers(c *change) []former {
	if !m.live || string(m.source) == string(c.source) && len(m.former) == 0 {
		return nil
	}
	out := slices.DeleteFunc(slices.Clone(m.former), func(f former) bool { return string(f.source) == string(c.source) })
	if string(m.source) != string(c.source) {
		out = append(out, former{m.source, m.sequence})
	}
	return out[max(0, len(out)-maxFormer):]
}

// formerly returns where c's source stands among those who said the row before another
// did, -1 if it does not. Across its epochs nothing is known of the rows that were.
func (m *image) formerly(c *change) int {
	return slices.IndexFunc(m.former, func(f former) bool { return c.from(f.source, f.sequence) })
}

// late reports whether c's source has said something of the row that is as new.
func (m *image) late(c *change) bool {
	if string(m.source) == string(c.source) && m.sequence.Compare(c.sequence) >= 0 {
		return true
	}
	at := m.formerly(c)
	return at >= 0 && m.former[at].sequence.Compare(c.sequence) >= 0
}
