package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

// TestLogForm holds the records of the log still: other registries read them.
func TestLogForm(t *testing.T) {
	t.Parallel()
	log := newLog()
	r := open(t, log)
	ctx := t.Context()
	register(t, r, "a", schemaOf("A"))
	for _, err := range []error{
		r.setLevel(ctx, "", "FULL"), r.setLevel(ctx, "a", "NONE"), r.resetLevel(ctx, "a"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.deleteVersion(ctx, "a", "1", false); err != nil {
		t.Fatal(err)
	}
	register(t, r, "a", schemaOf("A", "X"))
	if _, err := r.deleteSubject(ctx, "a", false); err != nil {
		t.Fatal(err)
	}
	if _, err := r.deleteVersion(ctx, "a", "1", true); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(schemaOf("A"), `"`, `\"`)
	text2 := strings.ReplaceAll(schemaOf("A", "X"), `"`, `\"`)
	want := []string{
		`{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}={"subject":"a","version":1,"id":1,"schema":"` + text + `","deleted":false}`,
		`{"keytype":"CONFIG","subject":null,"magic":0}={"compatibilityLevel":"FULL"}`,
		`{"keytype":"CONFIG","subject":"a","magic":0}={"compatibilityLevel":"NONE"}`,
		`{"keytype":"CONFIG","subject":"a","magic":0}=`,
		`{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}={"subject":"a","version":1,"id":1,"schema":"` + text + `","deleted":true}`,
		`{"keytype":"SCHEMA","subject":"a","version":2,"magic":1}={"subject":"a","version":2,"id":2,"schema":"` + text2 + `","deleted":false}`,
		`{"keytype":"DELETE_SUBJECT","subject":"a","magic":0}={"subject":"a","version":2}`,
		`{"keytype":"NOOP","magic":0}={"lastId":2}`,
		`{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}=`,
	}
	for i, rec := range log.records {
		got := string(rec.key) + "=" + string(rec.value)
		if i >= len(want) || got != want[i] {
			t.Errorf("record %d is\n%s", i, got)
		}
	}
	if len(log.records) != len(want) {
		t.Errorf("%d records, want %d", len(log.records), len(want))
	}
}

// TestForeignLog: a log that another registry wrote is taken as it is; what is
// not understood is passed over and its ids are not given again.
func TestForeignLog(t *testing.T) {
	t.Parallel()
	log := newLog()
	for _, kv := range [][2]string{
		{`{"keytype":"NOOP","magic":0}`, ``},
		{`not json`, `{}`},
		{``, ``},
		{`{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}`, `{"subject":"s","version":1,"id":4,"schema":"\"string\"","deleted":false}`},
		{`{"keytype":"SCHEMA","subject":"p","version":1,"magic":1}`, `{"subject":"p","version":1,"id":9,"schemaType":"PROTOBUF","schema":"syntax","deleted":false}`},
		{`{"keytype":"SCHEMA","subject":"s","version":0,"magic":1}`, `{"subject":"s","version":0,"id":50,"schema":"x"}`},
		{`{"keytype":"SCHEMA","version":1,"magic":1}`, `{"id":50}`},
		{`{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}`, `{"subject":"s","version":2,"id":-1,"schema":"x"}`},
		{`{"keytype":"SCHEMA","subject":"s","version":3,"magic":1}`, `cut`},
		{`{"keytype":"CONFIG","subject":null,"magic":0}`, `{"compatibilityLevel":"FORWARD"}`},
		{`{"keytype":"CONFIG","subject":"s","magic":0}`, `{"compatibilityLevel":"SIDEWAYS"}`},
		{`{"keytype":"DELETE_SUBJECT","subject":"none","magic":0}`, `{"subject":"none","version":3}`},
		{`{"keytype":"MODE","subject":null,"magic":0}`, `{"mode":"READONLY"}`},
		{`{"keytype":"CLEAR_SUBJECT","subject":"s","magic":0}`, `{"subject":"s"}`},
	} {
		if err := log.Append(t.Context(), []byte(kv[0]), []byte(kv[1])); err != nil {
			t.Fatal(err)
		}
	}
	r := open(t, log)
	if text, err := r.Schema(t.Context(), 4); err != nil || text != `"string"` {
		t.Errorf("schema 4 = %q, %v", text, err)
	}
	r.mu.RLock()
	level := r.state.level("x", "")
	r.mu.RUnlock()
	if level != "FORWARD" {
		t.Errorf("level = %q, want FORWARD", level)
	}
	if id := register(t, r, "x", schemaOf("X")); id != 10 {
		t.Errorf("id = %d, want 10", id)
	}
}

// TestMend: a loser's record at the end of the log is overruled at once, also by
// a registry that only finds it there at its start.
func TestMend(t *testing.T) {
	t.Parallel()
	log := newLog()
	key := schemaKey("a", 1)
	for _, name := range []string{"A", "B"} { // B has A's version and id, and comes later
		if err := log.Append(t.Context(), key, encode(schemaValue{Subject: "a", Version: 1, ID: 1, Schema: schemaOf(name)})); err != nil {
			t.Fatal(err)
		}
	}
	r := open(t, log)
	if err := r.commit(t.Context(), noopKey(), nil); err != nil { // the start has been read by now
		t.Fatal(err)
	}
	s := open(t, log.compacted())
	for name, reg := range map[string]*Registry{"log": r, "compacted": s} {
		if text, err := reg.Schema(t.Context(), 1); err != nil || text != schemaOf("A") {
			t.Errorf("%s: schema 1 = %s, %v", name, text, err)
		}
	}
}

// TestForgetBuriesLosers: a record that lost its id must not take it when the
// winner is deleted for good and compaction has taken the winner's records.
func TestForgetBuriesLosers(t *testing.T) {
	t.Parallel()
	log := newLog()
	r := open(t, log)
	id := register(t, r, "a", schemaOf("A"))
	// A writer that died after it lost.
	if err := r.commit(t.Context(), schemaKey("b", 1), encode(schemaValue{Subject: "b", Version: 1, ID: id, Schema: schemaOf("B")})); err != nil {
		t.Fatal(err)
	}
	for _, permanent := range []bool{false, true} {
		if _, err := r.deleteSubject(t.Context(), "a", permanent); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, log.compacted())
	if text, err := s.Schema(t.Context(), id); !errors.Is(err, codec.ErrUnknownSchema) {
		t.Errorf("id %d has come to mean %s (%v)", id, text, err)
	}
	if next := register(t, s, "b", schemaOf("B")); next != id+1 {
		t.Errorf("next id = %d, want %d", next, id+1)
	}
}

// TestFollowsAgain: a log that breaks off is followed again, and what was
// written meanwhile by others is there.
func TestFollowsAgain(t *testing.T) {
	t.Parallel()
	log := newLog()
	r, other := open(t, log), open(t, log)
	register(t, r, "a", schemaOf("A"))
	log.mu.Lock()
	log.broken = errors.New("connection reset") // for whichever of the two comes first
	log.changed()
	log.mu.Unlock()
	register(t, other, "b", schemaOf("B"))
	register(t, r, "c", schemaOf("C"))
	for _, reg := range []*Registry{r, other} {
		for id := 1; id <= 3; id++ {
			if _, err := reg.Schema(t.Context(), id); err != nil {
				t.Error(err)
			}
		}
	}
	if got, want := describe(r), describe(open(t, log)); got != want {
		t.Errorf("after following again\n%s\nwant\n%s", got, want)
	}
}

// TestCatchUpIsShared: of fifty who ask for ids that are not there, the first
// has the log replayed, and the rest, who came meanwhile, once more together.
func TestCatchUpIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, gate := newLog(), make(chan struct{})
		r := newRegistry(gated{log, gate}, "", slog.New(slog.DiscardHandler))
		for i := range 50 {
			go func() {
				if _, err := r.Schema(t.Context(), 100+i); !errors.Is(err, codec.ErrUnknownSchema) {
					t.Errorf("error = %v, want ErrUnknownSchema", err)
				}
			}()
		}
		synctest.Wait()
		close(gate)
		synctest.Wait()
		if log.replays != 2 {
			t.Errorf("%d replays, want 2", log.replays)
		}
		if _, err := r.Schema(t.Context(), -1); !errors.Is(err, codec.ErrUnknownSchema) || log.replays != 2 {
			t.Errorf("id -1: error = %v, %d replays", err, log.replays)
		}
	})
}

// gated is a log whose replays wait.
type gated struct {
	Log
	gate chan struct{}
}

func (g gated) Replay(ctx context.Context, show func(key, value []byte) error) error {
	<-g.gate
	return g.Log.Replay(ctx, show)
}

// silentLog takes writes and never shows them again.
type silentLog struct{ *memoryLog }

func (silentLog) Follow(ctx context.Context, _ func(key, value []byte) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestWriteIsNotAnsweredUnseen: nothing is answered before the log shows it.
func TestWriteIsNotAnsweredUnseen(t *testing.T) {
	t.Parallel()
	r := open(t, silentLog{newLog()})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := r.Register(ctx, "a", schemaOf("A")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
}

func TestClose(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	log := newLog()
	r, err := Open(t.Context(), log, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	register(t, r, "a", schemaOf("A"))
	r.Close()
	if _, err := r.Schema(t.Context(), 1); err != nil {
		t.Errorf("read after close: %v", err)
	}
	if _, err := r.Register(t.Context(), "b", schemaOf("B")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("write after close: error = %v, want ErrUnavailable", err)
	}
	if _, err := Open(t.Context(), failingLog{log}, "", slog.New(slog.DiscardHandler)); err == nil {
		t.Error("opened over a log that cannot be read")
	}
}

type failingLog struct{ Log }

func (failingLog) Replay(context.Context, func(key, value []byte) error) error {
	return errors.New("not authorised")
}

// FuzzApply folds any records, also twice and in any order: it must not panic,
// and an id must not change its meaning while it is there.
func FuzzApply(f *testing.F) {
	f.Add(`{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}`, `{"subject":"s","version":1,"id":1,"schema":"\"string\"","deleted":false}`, uint8(0))
	f.Add(`{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}`, `{"subject":"s","version":9}`, uint8(1))
	f.Add(`{"keytype":"CONFIG","subject":null,"magic":0}`, `{"compatibilityLevel":"FULL"}`, uint8(2))
	f.Add(`{"keytype":"NOOP"}`, `{"lastId":5}`, uint8(3))
	f.Fuzz(func(t *testing.T, key, value string, n uint8) {
		s := newState()
		fixed := encode(schemaValue{Subject: "s", Version: 1, ID: 1, Schema: `"long"`})
		s.apply(schemaKey("s", 1), fixed)
		for i := range int(n%4) + 1 {
			s.apply([]byte(key), []byte(value))
			if id := s.ids[1]; id != nil && s.subjects["s"] != nil && i == 0 {
				if v, err := s.version("s", "1", true); err == nil && v.id == 1 && id.text != `"long"` {
					t.Errorf("id 1 has become %s", id.text)
				}
			}
		}
		for id, known := range s.ids {
			uses := 0
			for _, sub := range s.subjects {
				for _, v := range sub.versions {
					if v.id == id {
						uses++
					}
				}
			}
			if uses != known.uses || uses == 0 || id > s.lastID {
				t.Errorf("id %d: %d uses counted, %d found, highest id %d", id, known.uses, uses, s.lastID)
			}
		}
		_ = fmt.Sprint(s.level("s", ""), s.global())
	})
}

// TestClientIsAnswered: whoever asks over HTTP is told that the log does not show a write before
// the process itself gives it up.
func TestClientIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, silentLog{newLog()})
		w := httptest.NewRecorder()
		began := time.Now()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/subjects/a/versions", strings.NewReader(`{"schema": "\"string\""}`))
		r.Handler(Access{MayWrite: func(*http.Request) bool { return true }}).ServeHTTP(w, req)
		if took := time.Since(began); w.Code != http.StatusInternalServerError || took != clientTimeout {
			t.Errorf("answered %d after %s: %s", w.Code, took, w.Body)
		}
		began = time.Now()
		if _, err := r.Register(t.Context(), "a", schemaOf("A")); !errors.Is(err, ErrUnavailable) || time.Since(began) != commitTimeout {
			t.Errorf("the process gave up after %s: %v", time.Since(began), err)
		}
	})
}
