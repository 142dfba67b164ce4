package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	errInUse                 = errors.New("总线的主题和状态中还有按此模式写成的记录，不能永久删除；普通删除即可停用 / records written under it lie in the bus's topics and states, so it cannot be deleted permanently; plain deletion takes it out of use")
	errFull                  = errors.New("模式数量已达上限 / too many schemas registered")
)

// register finds or makes the version of a subject that has the schema.
func (r *Registry) register(ctx context.Context, name, text string, refs []reference) (version, error) {
	if err := checkSubject(name); err != nil {
		return version{}, err
	}
	r.write.Lock() // also while it is examined: what it refers to must not go meanwhile
	defer r.write.Unlock()
	w, refs, err := r.worded(text, refs)
	if err != nil {
		return version{}, err
	}
	compact, canonical, err := r.own.examined(name, w, refs)
	if err != nil {
		return version{}, err
	}
	w.text = compact
	for range maxAttempts {
		r.mu.RLock()
		found, ok := r.state.find(name, canonical, false)
		live := r.state.subjects[name].live()
		level, old := r.state.level(name, r.own.level(name)), r.state.wordings(live)
		id, known := r.state.byText[canonical]
		if !known {
			id = r.state.lastID + 1
		}
		number := 1
		if sub := r.state.subjects[name]; sub != nil {
			number = sub.versions[len(sub.versions)-1].number + 1
		}
		full := !known && len(r.state.ids) >= maxSchemas
		r.mu.RUnlock()
		if ok {
			return found, nil
		}
		if full {
			return version{}, errFull
		}
		if err := r.own.compatible(name, level, w, old); err != nil {
			return version{}, err
		}
		value := encode(schemaValue{Subject: name, Version: number, ID: id, Refs: refs, Schema: compact})
		// Another process may have taken the id or the version by the time the
		// record comes back: then it has no effect, find finds nothing, and we
		// go round again with what is known now.
		if err := r.commit(ctx, schemaKey(name, number), value); err != nil {
			return version{}, err
		}
	}
	return version{}, fmt.Errorf("%d attempts met other writers: %w", maxAttempts, ErrUnavailable)
}

// worded finds what a schema refers to.
func (r *Registry) worded(text string, refs []reference) (wording, []reference, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	refs, err := r.state.resolve(refs)
	if err != nil {
		return wording{}, nil, err
	}
	before, err := r.state.before(refs)
	return wording{text, before}, refs, err
}

// deleteSubject deletes all versions of a subject and returns their numbers.
// For good: they must have been deleted before, and are forgotten.
func (r *Registry) deleteSubject(ctx context.Context, name string, permanent bool) ([]int, error) {
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
	case permanent && len(live) > 0:
		return nil, errSubjectNotSoftDeleted
	case permanent && r.own.inUse(name):
		return nil, errInUse
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
	return numbers(live), r.commit(ctx, deleteSubjectKey(name), encode(deleteSubjectValue{Subject: name, Version: last}))
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
	case permanent && !deleted:
		return 0, errVersionNotSoftDeleted
	case permanent && r.own.inUse(name):
		return 0, errInUse
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
