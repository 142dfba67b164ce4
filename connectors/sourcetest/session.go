package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Features is what a kind of source declares about itself.
type Features struct {
	// Replays: reopened at the position of any batch it yields exactly what
	// followed. A push source does not: what it did not confirm, its clients send
	// again.
	Replays bool
	// Ends: Read returns io.EOF when everything has been read.
	Ends bool
	// SnapshotSteps: reopened inside a snapshot, rows may be read again or step
	// back; only what they add up to is the same.
	SnapshotSteps bool
}

// Fixture is one system with a source to open on it.
type Fixture struct {
	Kind   connectors.Kind
	Config connectors.Config
	// Write makes burst n of Bursts happen in the system, from 0. It may return
	// before the source has seen it.
	Write  func(t *testing.T, n int)
	Bursts int
	// Want is what all bursts add up to: row keys by dataset.
	Want map[string][]string
	// Secrets are values that must not appear in errors, logs and rejections.
	Secrets []string
	// Redeliver has the department deliver all bursts once more, where the source
	// cannot fetch them itself: it must say that it waits for them until then. nil:
	// it can.
	Redeliver func(t *testing.T)
}

// Patience is how long the suite waits for what must happen.
const Patience = 30 * time.Second

// session is one test on one fixture; it watches what the source says.
type session struct {
	Fixture
	said *spoken
}

func newSession(f Fixture) *session {
	s := &session{Fixture: f, said: &spoken{}}
	s.Config.Logger = slog.New(slog.NewTextHandler(s.said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return s
}

type spoken struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (s *spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *session) checkSecrets(t *testing.T) {
	t.Helper()
	s.said.mu.Lock()
	defer s.said.mu.Unlock()
	for _, secret := range s.Secrets {
		if strings.Contains(s.said.text.String(), secret) {
			t.Errorf("a value of a row appears in logs, errors, positions or rejections")
		}
	}
}

// open opens the source; it is closed with the test.
func (s *session) open(t *testing.T, after schemas.Position) connectors.Source {
	t.Helper()
	src, err := s.Kind.Open(t.Context(), s.Config, after)
	if err != nil {
		_, _ = fmt.Fprintln(s.said, err) // said is a buffer
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := src.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return src
}

func (s *session) write(t *testing.T) {
	t.Helper()
	for n := range s.Bursts {
		s.Write(t, n)
	}
}

// drain reads until the source has caught up with now, or ends.
func (s *session) drain(t *testing.T, src connectors.Source, confirm bool) []connectors.Batch {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	var batches []connectors.Batch
	from := time.Now()
	for {
		b, err := src.Read(ctx)
		if errors.Is(err, io.EOF) {
			return batches
		}
		if err != nil {
			_, _ = fmt.Fprintln(s.said, err) // said is a buffer
			t.Fatalf("read: %v", err)
		}
		_, _ = fmt.Fprintln(s.said, b.After) // said is a buffer
		for _, r := range b.Rejections {
			_, _ = fmt.Fprintln(s.said, r) // said is a buffer
		}
		batches = append(batches, b)
		if c, ok := src.(connectors.Confirmer); ok && confirm {
			if err := c.Confirm(ctx, b.After); err != nil {
				t.Fatalf("confirm: %v", err)
			}
		}
		if b.CaughtUp.After(from) && len(b.Changes) == 0 {
			return batches
		}
	}
}

func changes(batches []connectors.Batch) []schemas.Change {
	var out []schemas.Change
	for _, b := range batches {
		out = append(out, b.Changes...)
	}
	return out
}

// Fold is what changes add up to: the last image of each row by dataset and
// key. A cell that was not sent keeps what it was.
func Fold(into map[string]map[string]schemas.Record, changes []schemas.Change) map[string]map[string]schemas.Record {
	if into == nil {
		into = map[string]map[string]schemas.Record{}
	}
	for _, c := range changes {
		rows := into[c.Dataset.ID]
		if rows == nil {
			rows = map[string]schemas.Record{}
			into[c.Dataset.ID] = rows
		}
		switch c.Op {
		case schemas.Truncate:
			clear(rows)
		case schemas.Delete:
			delete(rows, c.Key)
		case schemas.Create, schemas.Update, schemas.Snapshot:
			record := c.Record
			for i := range record.Len() {
				if record.Value(i).Kind() == schemas.KindUnavailable {
					last := schemas.Null
					if old, ok := rows[c.Key]; ok {
						last = old.Value(i)
					}
					record = record.With(i, last)
				}
			}
			rows[c.Key] = record
		case schemas.Refused: // says something of the row, and changes nothing
		}
	}
	return into
}

func keys(folded map[string]map[string]schemas.Record) map[string][]string {
	out := map[string][]string{}
	for dataset, rows := range folded {
		if len(rows) > 0 {
			out[dataset] = slices.Sorted(maps.Keys(rows))
		}
	}
	return out
}
