package registry

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

// state is what the log says, folded record by record. The same log gives the
// same state in every process, and so does the log after compaction, once every
// conflict in it has been mended.
type state struct {
	ids      map[int]*schema
	byText   map[string]int // canonical text -> id
	subjects map[string]*subject
	levels   map[string]string // by subject; "" is the global one
	modes    map[string]string // likewise
	lastID   int               // the highest id ever seen, in lost records too
	buried   map[int]*schema   // deleted for good, as long as the log still tells of them
	lost     map[string]int    // keys of records that lost their id to another, and that id
}

type schema struct {
	id        int
	text      string
	kind      string // "" for AVRO
	refs      []reference
	canonical string
	uses      int // versions that have it, deleted ones included
}

type subject struct{ versions []version } // by number, rising

type version struct {
	subject string
	number  int
	id      int
	deleted bool
}

func newState() *state {
	return &state{ids: map[int]*schema{}, byText: map[string]int{}, subjects: map[string]*subject{}, levels: map[string]string{}, modes: map[string]string{}, lost: map[string]int{}, buried: map[int]*schema{}}
}

// outcome is what became of a record.
type outcome int

const (
	applied   outcome = iota
	ignored           // not ours to understand, or unreadable
	conflict          // another record has the id
	overruled         // another record has the key: the log must be mended
)

// entry is a record that has been read.
type entry struct {
	raw, value []byte
	key        recordKey
	schema     *schemaValue // of the key and the value, nil if they tell of none
	canonical  string       // of schema
}

// read reads a record without folding it. A schema may take its time: whoever folds into
// a state that others look at reads before it keeps them from it. It is for the one that
// folds alone, since it looks at the state.
func (s *state) read(key, value []byte) (entry, bool) {
	e := entry{raw: key, value: value}
	if json.Unmarshal(key, &e.key) != nil {
		return e, false
	}
	if k := e.key; k.Type == typeSchema && k.Subject != nil && k.Version > 0 && len(value) > 0 {
		var v schemaValue
		if json.Unmarshal(value, &v) != nil || v.ID < 1 {
			return e, false
		}
		v.Subject, v.Version = *k.Subject, k.Version
		if v.Kind == "AVRO" {
			v.Kind = ""
		}
		e.schema, e.canonical = &v, s.identityOf(&v)
	}
	return e, true
}

// identityOf is the identity of a schema. Most records repeat a text that is known: only
// others are parsed.
func (s *state) identityOf(v *schemaValue) string {
	if known := s.ids[v.ID]; known != nil && known.text == v.Schema && known.kind == v.Kind && slices.Equal(known.refs, v.Refs) {
		return known.canonical
	}
	return identity(v.Kind, v.Schema, v.Refs)
}

// apply reads and folds one record, if it can be read.
func (s *state) apply(key, value []byte) {
	if e, ok := s.read(key, value); ok {
		s.fold(e)
	}
}

// fold folds one record, the very next after read.
func (s *state) fold(e entry) outcome {
	k, value := e.key, e.value
	switch k.Type {
	case typeSchema:
		if k.Subject == nil || k.Version < 1 {
			return ignored
		}
		if len(value) == 0 {
			delete(s.lost, string(e.raw))
			s.forget(*k.Subject, k.Version)
			return applied
		}
		what := s.put(*e.schema, e.canonical)
		if what == conflict {
			s.lost[string(e.raw)] = e.schema.ID
		} else {
			delete(s.lost, string(e.raw))
		}
		return what
	case typeConfig:
		name := ""
		if k.Subject != nil {
			name = *k.Subject
		}
		if len(value) == 0 {
			delete(s.levels, name)
			return applied
		}
		var v configValue
		if json.Unmarshal(value, &v) != nil || !codec.KnownLevel(v.Level) {
			return ignored
		}
		s.levels[name] = v.Level
	case typeMode:
		name := ""
		if k.Subject != nil {
			name = *k.Subject
		}
		if len(value) == 0 {
			delete(s.modes, name)
			return applied
		}
		var v modeAnswer
		if json.Unmarshal(value, &v) != nil || !knownMode(v.Mode) {
			return ignored
		}
		s.modes[name] = v.Mode
	case typeDeleteSubject:
		var v deleteSubjectValue
		if k.Subject == nil || len(value) == 0 || json.Unmarshal(value, &v) != nil {
			return ignored
		}
		if sub := s.subjects[*k.Subject]; sub != nil {
			for i := range sub.versions {
				if sub.versions[i].number <= v.Version {
					sub.versions[i].deleted = true
				}
			}
		}
	case typeNoop:
		var v noopValue
		if len(value) > 0 && json.Unmarshal(value, &v) == nil {
			s.lastID = max(s.lastID, v.LastID)
		}
	default:
		return ignored
	}
	return applied
}

// put folds a version: the first record of a version has it, the first schema
// of an id keeps it, and what is deleted stays so.
func (s *state) put(v schemaValue, canonical string) outcome {
	s.lastID = max(s.lastID, v.ID)
	known := s.ids[v.ID]
	other := known != nil && known.canonical != canonical
	sub := s.subjects[v.Subject]
	if sub != nil {
		if i, found := sub.find(v.Version); found {
			at := &sub.versions[i]
			if at.id != v.ID || other || at.deleted && !v.Deleted {
				return overruled
			}
			at.deleted = v.Deleted
			return applied
		}
	}
	if other {
		return conflict
	}
	if known == nil {
		known = &schema{id: v.ID, text: v.Schema, kind: v.Kind, refs: v.Refs, canonical: canonical}
		s.ids[v.ID] = known
		delete(s.buried, v.ID)
		if _, taken := s.byText[canonical]; !taken {
			s.byText[canonical] = v.ID
		}
	}
	known.uses++
	if sub == nil {
		sub = &subject{}
		s.subjects[v.Subject] = sub
	}
	i, _ := sub.find(v.Version)
	sub.versions = slices.Insert(sub.versions, i, version{v.Subject, v.Version, v.ID, v.Deleted})
	return applied
}

// forget folds the tombstone of a version.
func (s *state) forget(name string, number int) {
	sub := s.subjects[name]
	if sub == nil {
		return
	}
	i, found := sub.find(number)
	if !found {
		return
	}
	id := sub.versions[i].id
	sub.versions = slices.Delete(sub.versions, i, i+1)
	if len(sub.versions) == 0 {
		delete(s.subjects, name)
	}
	known := s.ids[id]
	if known.uses--; known.uses == 0 {
		delete(s.ids, id)
		s.buried[id] = known
		if s.byText[known.canonical] == id {
			delete(s.byText, known.canonical)
		}
	}
}

func (s *subject) find(number int) (int, bool) {
	return slices.BinarySearchFunc(s.versions, number, func(v version, n int) int { return cmp.Compare(v.number, n) })
}

// live returns the versions that are not deleted, rising.
func (s *subject) live() []version {
	if s == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.versions), func(v version) bool { return v.deleted })
}

// The ways a version can fail to be found that clients of the REST API know by number.
var (
	errSubjectNotFound = errors.New("没有该主题 / subject not found")
	errVersionNotFound = errors.New("没有该版本 / version not found")
	errVersion         = errors.New("版本号须为正整数或 latest / version must be a positive number or latest")
)

// version returns a version by its number or "latest". Deleted ones count only
// if asked for.
func (s *state) version(name, number string, deleted bool) (version, error) {
	sub := s.subjects[name]
	if sub == nil || !deleted && len(sub.live()) == 0 {
		return version{}, errSubjectNotFound
	}
	versions := sub.versions
	if !deleted {
		versions = sub.live()
	}
	if number == "latest" || number == "-1" {
		return versions[len(versions)-1], nil
	}
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n < 1 {
		return version{}, errVersion
	}
	for _, v := range versions {
		if v.number == int(n) {
			return v, nil
		}
	}
	return version{}, errVersionNotFound
}

// level returns the level that holds for a subject: fixed if it is not "", else what was
// set for it, else the global one.
func (s *state) level(name, fixed string) string {
	return cmp.Or(fixed, s.levels[name], s.global())
}

func (s *state) global() string {
	if l := s.levels[""]; l != "" {
		return l
	}
	return "BACKWARD"
}

// encodeSchema writes the record of a version.
func (s *state) encodeSchema(v version) (key, value []byte) {
	known := s.ids[v.id]
	return schemaKey(v.subject, v.number), encode(schemaValue{Subject: v.subject, Version: v.number, ID: v.id, Kind: known.kind, Refs: known.refs, Schema: known.text, Deleted: v.deleted})
}

// mode is the one that holds for a subject.
func (s *state) mode(name string) string {
	global := s.modes[""]
	if own := s.modes[name]; own != "" && global != readOnlyOverride {
		return own
	}
	if global != "" {
		return global
	}
	return readWrite
}

// find returns the subject's version that has a schema.
func (s *state) find(name, canonical string, deleted bool) (version, bool) {
	sub := s.subjects[name]
	if sub == nil {
		return version{}, false
	}
	for _, v := range slices.Backward(sub.versions) {
		if (deleted || !v.deleted) && s.ids[v.id].canonical == canonical {
			return v, true
		}
	}
	return version{}, false
}
