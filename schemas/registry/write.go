package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

// maxAttempts bounds how often a write that met another is tried again. Each
// time someone else's write has gone through, so this many in a row means a
// crowd of writers, not a standstill.
const maxAttempts = 50

// maxSchemas bounds the ids of a registry: a client that registers a schema a
// message must be stopped before it fills every process's memory.
const maxSchemas = 100_000

// The ways a change can fail that clients of the REST API know by number.
var (
	errSubjectSoftDeleted    = errors.New("该主题已删除，永久删除请加 permanent=true / subject was deleted, set permanent=true to delete it permanently")
	errVersionSoftDeleted    = errors.New("该版本已删除，永久删除请加 permanent=true / version was deleted, set permanent=true to delete it permanently")
	errSubjectNotSoftDeleted = errors.New("须先做普通删除才能永久删除 / subject must be deleted before it is deleted permanently")
	errVersionNotSoftDeleted = errors.New("须先做普通删除才能永久删除 / version must be deleted before it is deleted permanently")
	errFull                  = errors.New("模式数量已达上限 / too many schemas registered")
)

// register finds or makes the version of a subject that has the schema.
func (r *Registry) register(ctx context.Context, name, text string, refs []reference) (version, error) {
	if err := checkSubject(name); err != nil {
		return version{}, err
	}
	for range maxAttempts {
		c, err := r.candidate(name, text, refs)
		if err != nil {
			return version{}, err
		}
		// Without the lock: a schema of half a megabyte takes its time, and everybody
		// else's would wait for it.
		if err := r.examine(c); err != nil {
			return version{}, err
		}
		if v, done, err := r.enter(ctx, c); done || err != nil {
			return v, err
		}
	}
	return version{}, fmt.Errorf("%d attempts met other writers: %w", maxAttempts, ErrUnavailable)
}

// registered finds the version of a subject of ours that has the schema. Through the API
// nobody makes one: what compiled programs read is registered by the bus alone, from the
// catalogue, and one that it cannot read would stop its next start.
func (r *Registry) registered(_ context.Context, name, text string, refs []reference) (version, error) {
	w, refs, err := r.worded(text, refs)
	if err != nil {
		return version{}, err
	}
	_, canonical, err := r.own.examined(name, w, refs)
	if err != nil {
		return version{}, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	v, found := r.state.find(name, canonical, false)
	if !found {
		return version{}, r.own.kept(name, "其模式由总线按目录登记，这里只收已登记的", "its schemas are registered by the bus, from the catalogue; here only one that is there already is taken")
	}
	return v, nil
}

// candidate is a schema on its way into a subject, and what it is judged by.
type candidate struct {
	subject string
	asked   []reference // as the client wrote them

	words   wording
	refs    []reference // with the numbers that the latest stands for
	level   string
	old     []wording // what it follows
	numbers []int     // and the numbers of those versions

	compact, canonical string // once it has been examined
	there              bool   // by then the subject had it: it was not compared with what it follows
}

// candidate finds what a schema is to be judged by now.
func (r *Registry) candidate(name, text string, asked []reference) (*candidate, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	live := r.state.subjects[name].live()
	c := &candidate{subject: name, asked: asked, level: r.state.level(name, r.own.level(name)), numbers: numbers(live), old: r.state.wordings(live)}
	var err error
	c.words, c.refs, err = r.state.worded(text, asked)
	return c, err
}

// judged reports whether what was found of c holds of it now.
func (c *candidate) judged(now *candidate) bool {
	equal := func(a, b wording) bool { return a.text == b.text && slices.Equal(a.before, b.before) }
	return !c.there && equal(c.words, now.words) && slices.Equal(c.refs, now.refs) && c.level == now.level && slices.EqualFunc(c.old, now.old, equal)
}

// examine says whether a schema may follow what its subject has.
func (r *Registry) examine(c *candidate) (err error) {
	if r.examining != nil {
		r.examining(c.subject)
	}
	if c.compact, c.canonical, err = r.own.examined(c.subject, c.words, c.refs); err != nil {
		return err
	}
	r.mu.RLock()
	_, c.there = r.state.find(c.subject, c.canonical, false)
	r.mu.RUnlock()
	if c.there {
		return nil
	}
	err = r.own.compatible(c.subject, c.level, wording{c.compact, c.words.before}, c.old)
	if incompatible := (*codec.CompatibilityError)(nil); errors.As(err, &incompatible) {
		incompatible.Version = c.numbers[incompatible.Old]
	}
	return err
}

// enter finds or makes the version of a schema that was examined. It is not done when
// what the schema was judged by is not so any more: what it refers to or follows has
// changed meanwhile.
func (r *Registry) enter(ctx context.Context, c *candidate) (v version, done bool, err error) {
	r.write.Lock() // what it refers to does not go from now on
	defer r.write.Unlock()
	for range maxAttempts {
		now, err := r.candidate(c.subject, c.words.text, c.asked)
		if err != nil {
			return version{}, false, err
		}
		r.mu.RLock()
		v, found := r.state.find(c.subject, c.canonical, false)
		id, number, full := r.state.next(c.subject, c.canonical)
		r.mu.RUnlock()
		switch {
		case found && slices.Equal(c.refs, now.refs):
			return v, true, nil
		case !c.judged(now):
			return version{}, false, nil
		case full && !r.own.inUse(c.subject): // the bus itself is not stopped by how much others have registered
			return version{}, false, errFull
		}
		value := encode(schemaValue{Subject: c.subject, Version: number, ID: id, Refs: c.refs, Schema: c.compact})
		// Another process may have taken the id or the version by the time the
		// record comes back: then it has no effect, find finds nothing, and we
		// go round again with what is known now.
		if err := r.commit(ctx, schemaKey(c.subject, number), value); err != nil {
			return version{}, false, err
		}
	}
	return version{}, false, nil
}

// next returns the id and the number of a schema that a subject is to have, full if
// there is no room for it.
func (s *state) next(name, canonical string) (id, number int, full bool) {
	id, known := s.byText[canonical]
	if !known {
		id = s.lastID + 1
	}
	number = 1
	if sub := s.subjects[name]; sub != nil {
		number = sub.versions[len(sub.versions)-1].number + 1
	}
	return id, number, !known && len(s.ids) >= maxSchemas
}

// worded finds what a schema refers to.
func (r *Registry) worded(text string, refs []reference) (wording, []reference, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.state.worded(text, refs)
}

func (s *state) worded(text string, refs []reference) (wording, []reference, error) {
	refs, err := s.resolve(refs)
	if err != nil {
		return wording{}, nil, err
	}
	before, err := s.before(refs)
	return wording{text, before}, refs, err
}

// deleteSubject deletes all versions of a subject, with its level and mode, and returns their numbers.
// For good: they must have been deleted before, and are forgotten.
func (r *Registry) deleteSubject(ctx context.Context, name string, permanent bool) (_ []int, err error) {
	r.write.Lock()
	defer r.write.Unlock()
	r.mu.RLock()
	sub := r.state.subjects[name]
	var all []version
	if sub != nil {
		all = slices.Clone(sub.versions)
	}
	live := sub.live()
	referred := r.state.referred(name, all, permanent)
	r.mu.RUnlock()
	switch {
	case sub == nil:
		return nil, errSubjectNotFound
	case r.own.inUse(name):
		return nil, r.own.schemasKept(name)
	case permanent && len(live) > 0:
		return nil, errSubjectNotSoftDeleted
	case referred:
		return nil, errReferenced
	case permanent:
		if err := r.forget(ctx, all); err != nil {
			return nil, err
		}
		// Last, so that a crash before it leaves a subject that is deleted.
		return numbers(all), r.commit(ctx, deleteSubjectKey(name), nil)
	case len(live) == 0:
		return nil, errSubjectSoftDeleted
	}
	last := live[len(live)-1].number
	if err := r.commit(ctx, deleteSubjectKey(name), encode(deleteSubjectValue{Subject: name, Version: last})); err != nil {
		return nil, err
	}
	r.mu.RLock()
	_, level := r.state.levels[name]
	_, mode := r.state.modes[name]
	r.mu.RUnlock()
	if level { // what comes under the name next is another's, and judged as the first was
		err = r.commit(ctx, configKey(name), nil)
	}
	if mode && err == nil {
		err = r.commit(ctx, modeKey(name), nil)
	}
	return numbers(live), err
}

// ErrNotFound says that a subject of the bus has no such version.
var ErrNotFound = errors.New("总线自己的主题中没有这个版本 / there is no such version of a subject of the bus's own")

// Retire takes a version of a subject of the bus out of use: what comes next is not
// compared with it any more, and records written under it are read as before. It is for a
// version that somebody else put there and that what the bus registers there (written, ""
// = nothing) does not go with, and for no API: while the bus runs there is no need. Errors
// are ErrNotFound, also for others' subjects, ErrInUse and ErrUnavailable.
func (r *Registry) Retire(ctx context.Context, subject string, number int, written string) error {
	r.write.Lock()
	defer r.write.Unlock()
	r.mu.RLock()
	v, err := r.state.version(subject, strconv.Itoa(number), false)
	if err != nil || !r.own.inUse(subject) {
		r.mu.RUnlock()
		return fmt.Errorf("retire version %d of %q: %w", number, subject, ErrNotFound)
	}
	there := r.state.ids[v.id].text
	v.deleted = true
	key, value := r.state.encodeSchema(v)
	r.mu.RUnlock()
	if written == "" || codec.Compatible(r.own.level(subject), written, []string{there}) == nil {
		return r.own.stays(subject, number)
	}
	if err := r.commit(ctx, key, value); err != nil {
		return fmt.Errorf("retire version %d of %q: %w", number, subject, err)
	}
	return nil
}

// deleteVersion deletes one version of a subject.
func (r *Registry) deleteVersion(ctx context.Context, name, number string, permanent bool) (int, error) {
	r.write.Lock()
	defer r.write.Unlock()
	r.mu.RLock()
	v, err := r.state.version(name, number, number != "latest" && number != "-1" || permanent)
	deleted := v.deleted
	var key, value []byte
	referred := false
	if err == nil {
		v.deleted = true
		key, value = r.state.encodeSchema(v)
		referred = len(r.state.referrers(name, v.number, permanent)) > 0
	}
	r.mu.RUnlock()
	switch {
	case err != nil:
		return 0, err
	case r.own.inUse(name):
		return 0, r.own.schemasKept(name)
	case permanent && !deleted:
		return 0, errVersionNotSoftDeleted
	case referred && (permanent || !deleted):
		return 0, errReferenced
	case permanent:
		return v.number, r.forget(ctx, []version{v})
	case deleted:
		return 0, errVersionSoftDeleted
	}
	return v.number, r.commit(ctx, key, value)
}

// forget writes the tombstones of versions, after two things that could give
// their ids a second meaning once their records are gone: a note of the highest
// id, which may be theirs, and the tombstones of records that lost to them.
func (r *Registry) forget(ctx context.Context, versions []version) error {
	r.mu.RLock()
	last := r.state.lastID
	var keys [][]byte
	for key, id := range r.state.lost {
		if slices.ContainsFunc(versions, func(v version) bool { return v.id == id }) {
			keys = append(keys, []byte(key))
		}
	}
	r.mu.RUnlock()
	if err := r.commit(ctx, noopKey(), encode(noopValue{LastID: last})); err != nil {
		return err
	}
	for _, v := range versions {
		keys = append(keys, schemaKey(v.subject, v.number))
	}
	for _, key := range keys {
		if err := r.commit(ctx, key, nil); err != nil {
			return err
		}
	}
	return nil
}

// setLevel sets the level of a subject, or with "" the global one.
func (r *Registry) setLevel(ctx context.Context, name, level string) error {
	r.write.Lock()
	defer r.write.Unlock()
	return r.commit(ctx, configKey(name), encode(configValue{Level: level}))
}

// resetLevel takes back what setLevel did.
func (r *Registry) resetLevel(ctx context.Context, name string) error {
	r.write.Lock()
	defer r.write.Unlock()
	return r.commit(ctx, configKey(name), nil)
}

func numbers(versions []version) []int {
	out := make([]int, len(versions))
	for i, v := range versions {
		out[i] = v.number
	}
	return out
}
