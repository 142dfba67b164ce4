package registry

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// maxReferences bounds the versions that a schema refers to, directly and through others.
const maxReferences = 200

var errReferenced = errors.New("有其他模式引用它，不能删除；请先删除引用它的模式（见 …/referencedby） / other schemas refer to it, so it cannot be deleted: delete them first (they are listed at …/referencedby)")

// resolve returns the references with the numbers that "the latest", -1, stands for.
// What is deleted is not referred to anew.
func (s *state) resolve(refs []reference) ([]reference, error) {
	out := slices.Clone(refs)
	for i, ref := range out {
		v, err := s.version(ref.Subject, strconv.Itoa(ref.Version), false)
		if err != nil {
			return nil, &problemError{problem.InvalidSchema, fmt.Sprintf("references[%d]：没有这个主题或版本 / references[%[1]d]: there is no such subject or version", i)}
		}
		out[i].Version = v.number
	}
	return out, nil
}

// before collects the texts of what is referred to, deleted versions too: what was
// written is still read.
func (s *state) before(refs []reference) ([]string, error) {
	var texts []string
	size := 0
	seen := map[version]bool{}
	var walk func(refs []reference) error
	walk = func(refs []reference) error {
		for _, ref := range refs {
			v, err := s.version(ref.Subject, strconv.Itoa(ref.Version), true)
			if err != nil {
				return &problemError{problem.InvalidSchema, "所引用的版本已不在 / a version that is referred to is gone"}
			}
			v.deleted = false
			if seen[v] {
				continue
			}
			seen[v] = true
			known := s.ids[v.id]
			if size += len(known.text); len(seen) > maxReferences || size > codec.MaxSchema {
				return &problemError{problem.InvalidSchema, fmt.Sprintf("引用过多：最多 %d 个，合计 %d 字节 / too many references: at most %[1]d, of %[2]d bytes in all", maxReferences, codec.MaxSchema)}
			}
			if err := walk(known.refs); err != nil {
				return err
			}
			texts = append(texts, known.text)
		}
		return nil
	}
	if err := walk(refs); err != nil {
		return nil, err
	}
	return texts, nil
}

// wordings returns the schemas of versions, in order. One whose references are gone
// stands alone: whoever reads it says which type is missing.
func (s *state) wordings(versions []version) []wording {
	out := make([]wording, len(versions))
	for i, v := range versions {
		known := s.ids[v.id]
		out[i].text = known.text
		out[i].before, _ = s.before(known.refs)
	}
	return out
}

// referrers returns the ids of the schemas that refer to a version. Those
// whose versions are all deleted count only if asked for.
func (s *state) referrers(name string, number int, deleted bool) []int {
	is := func(ref reference) bool { return ref.Subject == name && ref.Version == number }
	found := map[int]bool{}
	for _, sub := range s.subjects {
		for _, v := range sub.versions {
			if (deleted || !v.deleted) && slices.ContainsFunc(s.ids[v.id].refs, is) {
				found[v.id] = true
			}
		}
	}
	return slices.AppendSeq([]int{}, maps.Keys(found))
}

// referred reports whether schemas that stay refer to versions of a subject that go.
func (s *state) referred(name string, versions []version, permanent bool) bool {
	return slices.ContainsFunc(versions, func(v version) bool {
		return slices.ContainsFunc(s.referrers(name, v.number, permanent), func(id int) bool { return !s.only(id, name) })
	})
}

// only reports whether a schema has versions of one subject alone, which goes as a whole.
func (s *state) only(id int, name string) bool {
	for _, sub := range s.subjects {
		for _, v := range sub.versions {
			if v.id == id && v.subject != name {
				return false
			}
		}
	}
	return true
}
