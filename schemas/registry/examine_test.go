package registry

import (
	"errors"
	"sync"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// held is a registry that stops when it is about to examine its first schema of the
// subject "slow", until it is let go on.
func held(t *testing.T) (r *Registry, begun, goOn chan struct{}) {
	t.Helper()
	r, begun, goOn = open(t, newLog()), make(chan struct{}), make(chan struct{})
	var once sync.Once
	r.examining = func(subject string) {
		if subject != "slow" {
			return
		}
		first := false
		if once.Do(func() { first = true }); first {
			begun <- struct{}{}
			<-goOn
		}
	}
	return r, begun, goOn
}

// made is what came of a registration.
type made struct {
	version version
	err     error
}

func slowly(t *testing.T, r *Registry, text string, refs ...reference) chan made {
	t.Helper()
	out := make(chan made, 1)
	go func() {
		v, err := r.register(t.Context(), "slow", text, refs)
		out <- made{v, err}
	}()
	return out
}

// TestNobodyWaitsForAnExamination: while one schema is examined, however long that takes,
// others are registered, looked up, compared and deleted.
func TestNobodyWaitsForAnExamination(t *testing.T) {
	t.Parallel()
	r, begun, goOn := held(t)
	first := register(t, r, "other", `"int"`)
	slow := slowly(t, r, schemaOf("A"))
	<-begun
	next := register(t, r, "other", `"long"`)
	for id, want := range map[int]string{first: `"int"`, next: `"long"`} {
		if got, err := r.Schema(t.Context(), id); err != nil || got != want {
			t.Errorf("schema %d = %q, %v", id, got, err)
		}
	}
	if err := r.setLevel(t.Context(), "other", "NONE"); err != nil {
		t.Error(err)
	}
	if _, err := r.deleteSubject(t.Context(), "other", false); err != nil {
		t.Error(err)
	}
	goOn <- struct{}{}
	if got := <-slow; got.err != nil || got.version.number != 1 {
		t.Errorf("then: %+v", got)
	}
}

// TestJudgedByWhatStands: what has changed while a schema was examined counts.
func TestJudgedByWhatStands(t *testing.T) {
	t.Parallel()
	t.Run("what it follows", func(t *testing.T) {
		t.Parallel()
		r, begun, goOn := held(t)
		slow := slowly(t, r, `{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]}`)
		<-begun
		register(t, r, "slow", `{"type":"record","name":"A","fields":[]}`)
		goOn <- struct{}{}
		if got := <-slow; !errors.Is(got.err, codec.ErrIncompatible) {
			t.Errorf("after one that it may not follow: %+v", got)
		}
	})
	t.Run("what it refers to", func(t *testing.T) {
		t.Parallel()
		r, begun, goOn := held(t)
		register(t, r, "address", `{"type":"record","name":"Address","fields":[]}`)
		slow := slowly(t, r, `{"type":"record","name":"A","fields":[{"name":"home","type":"Address"}]}`, reference{"Address", "address", 1})
		<-begun
		if _, err := r.deleteSubject(t.Context(), "address", false); err != nil {
			t.Fatal(err)
		}
		goOn <- struct{}{}
		var p *problemError
		if got := <-slow; !errors.As(got.err, &p) || p.kind != problem.InvalidSchema {
			t.Errorf("refers to what is gone: %+v", got)
		}
	})
	t.Run("the same at once", func(t *testing.T) {
		t.Parallel()
		r, begun, goOn := held(t)
		slow := slowly(t, r, `"int"`)
		<-begun
		id := register(t, r, "slow", `"int"`)
		goOn <- struct{}{}
		if got := <-slow; got.err != nil || got.version.id != id || got.version.number != 1 {
			t.Errorf("a schema that the subject has meanwhile: %+v", got)
		}
	})
}
