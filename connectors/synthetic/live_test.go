package synthetic

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// The sequences of corrections and of neutral changes begin here.
const (
	fixMajor  = uint64(1) << 40
	liveMajor = uint64(1) << 41
)

// watch reads a source for a time and says what came after the first copy.
func watch(t *testing.T, s connectors.Source, span time.Duration) (out []connectors.Batch) {
	t.Helper()
	var began time.Time
	for {
		b, err := s.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b.State == contract.StateSnapshot {
			continue
		}
		if began.IsZero() {
			began = time.Now()
		}
		out = append(out, b)
		if time.Since(began) >= span {
			return out
		}
	}
}

// After the first copy a source makes its share of the rate, says how current
// it is, and mends what was planted in time.
func TestLive(t *testing.T) {
	t.Parallel()
	cat := catalogue(t)
	synctest.Test(t, func(t *testing.T) {
		o := Options{Seed: 1, Base: base, Department: "GA", Rate: 50, Correct: true, CorrectAfter: 20 * time.Second, CorrectEvery: time.Second}
		s := openAt(t, cat, o, "")
		batches := watch(t, s, 60*time.Second)
		neutral, mended, current := 0, 0, time.Now()
		for _, b := range batches {
			for _, c := range b.Changes {
				switch c.Origin.Sequence.Major & (fixMajor | liveMajor) {
				case liveMajor:
					neutral++
				case fixMajor:
					mended++
				default: // the end of the first copy
					continue
				}
				if late := time.Since(c.Origin.At); late < 0 || late > 62*time.Second {
					t.Errorf("change %s is %s old", c.Origin.Sequence, late)
				}
			}
			if !b.CaughtUp.IsZero() {
				current = b.CaughtUp
			}
		}
		// GA makes a fifth of 50 a second.
		if neutral < 590 || neutral > 610 {
			t.Errorf("%d neutral changes in a minute, want 600", neutral)
		}
		total := s.(*source).fixes.Total
		if mended < 30 || mended > 45 && mended > total+5 {
			t.Errorf("%d mending changes in 40 s of %d, want one a second", mended, total)
		}
		if time.Since(current) > connectors.IdleRead {
			t.Errorf("last caught up %s ago", time.Since(current))
		}

		// Opened again an hour later it goes on from there and does not catch up.
		time.Sleep(time.Hour)
		last := batches[len(batches)-1].After
		rest := changes(watch(t, openAt(t, cat, o, last), 10*time.Second))
		if len(rest) < 90 || len(rest) > 120 {
			t.Errorf("%d changes in the ten seconds after an hour's rest", len(rest))
		}
		if rest[0].Origin.Sequence.Major <= liveMajor {
			t.Errorf("goes on with %s", rest[0].Origin.Sequence)
		}
	})
}

// A source with nothing to say still says how current it is, and stops when told.
func TestIdle(t *testing.T) {
	t.Parallel()
	cat := catalogue(t)
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, cat, Options{Base: base, Department: "CL"}, "")
		for _, b := range watch(t, s, 10*time.Second) {
			if b.CaughtUp.IsZero() || b.After == "" || time.Since(b.CaughtUp) > 11*time.Second {
				t.Errorf("idle batch says %v, %q", b.CaughtUp, b.After)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		if _, err := s.Read(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("read of a cancelled context: %v", err)
		}
		time.AfterFunc(100*time.Millisecond, func() { _ = s.Close() })
		if _, err := s.Read(t.Context()); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("read while closing: %v", err)
		}
	})
}

// The deliberate fault of the live stream is logged and mended.
func TestFaults(t *testing.T) {
	t.Parallel()
	cat := catalogue(t)
	var log strings.Builder
	cfg := config(t, cat, Options{Base: base, Department: "YB", Rate: 100, Faults: true})
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), cfg, "")
		if err != nil {
			t.Fatal(err)
		}
		twice := map[string]bool{}
		planted := 0
		for _, c := range changes(watch(t, s, 20*time.Second)) {
			if c.Dataset.ID != "YB01" || c.Origin.Sequence.Major < liveMajor {
				continue
			}
			if twice[c.Key] = c.Record.Get("JMYBZTDM").Str() == "1"; twice[c.Key] {
				planted++
			}
		}
		if planted < 3 || strings.Count(log.String(), "XV-18") != planted {
			t.Errorf("%d faults planted, log:\n%s", planted, log.String())
		}
		open := 0
		for _, still := range twice {
			if still {
				open++
			}
		}
		if open > 1 {
			t.Errorf("%d faults left open", open)
		}
	})
}

// One dataset of a department can be fed alone, and nothing else is sent.
func TestSubset(t *testing.T) {
	t.Parallel()
	cat := catalogue(t)
	d, err := cat.Dataset("MZ03")
	if err != nil {
		t.Fatal(err)
	}
	cfg := connectors.Config{Name: "mz-files", Datasets: []*schemas.Dataset{d}, Options: Options{Base: base, End: true}.Map()}
	s, err := Open(t.Context(), cfg, "")
	if err != nil {
		t.Fatal(err)
	}
	got := changes(drain(t, s))
	if len(got) < 50 {
		t.Errorf("%d changes", len(got))
	}
	for _, c := range got {
		if c.Dataset != d || c.Origin.Source != "mz-files" {
			t.Fatalf("a change of %s by %s", c.Dataset.ID, c.Origin.Source)
		}
	}
}

// The schema break of the run is refused, without the row.
func TestSchemaBreak(t *testing.T) {
	t.Parallel()
	var got []contract.Rejection
	for _, b := range drain(t, openAt(t, catalogue(t), Options{Seed: 2, Base: base, Department: "JY", End: true}, "")) {
		got = append(got, b.Rejections...)
	}
	if len(got) != 1 {
		t.Fatalf("%d rejections, want 1", len(got))
	}
	if r := got[0]; r.Dataset != "JY01" || r.Reason != contract.ReasonSchema || r.Field == "" || r.Locator == "" || r.Detail == "" {
		t.Errorf("rejection lacks something: %+v", r)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	cat := catalogue(t)
	ok := Options{Department: "GA", Base: base, End: true}
	first, err := openAt(t, cat, ok, "").Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	with := func(key string, v any) map[string]any {
		m := ok.Map()
		m[key] = v
		return m
	}
	for _, test := range []struct {
		name    string
		options map[string]any
		after   schemas.Position
		want    error
	}{
		{"unknown option", with("sise", "tiny"), "", connectors.ErrConfig},
		{"unknown size", with("size", "huge"), "", connectors.ErrConfig},
		{"unknown department", with("department", "XX"), "", connectors.ErrConfig},
		{"bad day", with("base", "22.11.2026"), "", connectors.ErrConfig},
		{"negative rate", with("rate", -1), "", connectors.ErrConfig},
		{"another seed's position", with("seed", 5), first.After, connectors.ErrPositionLost},
		{"another department's position", with("department", "RS"), first.After, connectors.ErrPositionLost},
		{"the position of an earlier build's city", ok.Map(), schemas.Position(strings.Replace(string(first.After), `"city":2,`, "", 1)), connectors.ErrPositionLost},
		{"no position", ok.Map(), "LSN 0/16B3748", connectors.ErrPositionLost},
	} {
		_, err := Open(t.Context(), connectors.Config{Name: "x", Catalogue: cat, Options: test.options}, test.after)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
}

// The truth file appears whole, whoever writes it.
func TestTruthFile(t *testing.T) {
	t.Parallel()
	cat := catalogue(t)
	path := filepath.Join(t.TempDir(), "truth.jsonl")
	for _, d := range []string{"GA", "RS"} {
		openAt(t, cat, Options{Seed: 1, Base: base, Department: d, Truth: path}, "")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	if err := WriteTruth(&want, Options{Seed: 1, Base: base}); err != nil {
		t.Fatal(err)
	}
	if string(b) != want.String() {
		t.Error("the file is not what WriteTruth writes")
	}
}

// A larger city's truth names its findings only.
func TestLargerCities(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := WriteTruth(&out, Options{Size: world.City, Base: base}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), `"finding"`); n < 30_000 || strings.Contains(out.String(), `"row"`) {
		t.Errorf("%d findings, want at least 30,000 and no rows", n)
	}
}
