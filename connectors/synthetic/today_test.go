package synthetic

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// A bus that runs has one clock: a city of another day than today is refused by name,
// and one that was begun goes on as of its own day.
func TestLiveIsOfToday(t *testing.T) {
	cat := catalogue(t)
	now := func() time.Time { return time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC) } // the 23rd in the city
	begun, err := position{City: world.Edition, Seed: 1, Size: world.Tiny, Base: "2026-11-20", Department: "GA"}.encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		base    string
		after   schemas.Position
		refused string
	}{
		"no day":         {},
		"today":          {base: "2026-11-23"},
		"yesterday":      {base: "2026-11-22", refused: "2026-11-22 is not 2026-11-23"},
		"tomorrow":       {base: "2026-11-24", refused: "2026-11-24 is not 2026-11-23"},
		"begun, no day":  {after: begun},
		"begun, its day": {base: "2026-11-20", after: begun},
		"begun, today":   {base: "2026-11-23", after: begun, refused: "2026-11-23 is not 2026-11-20"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Seed: 1, Size: world.Tiny, Department: "GA"}
			cfg := config(t, cat, o)
			if test.base != "" {
				cfg.Options["base"] = test.base
			}
			s, err := openLive(t.Context(), cfg, test.after, now)
			if s != nil {
				defer s.Close()
			}
			switch {
			case test.refused == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.refused != "" && (!errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), test.refused)):
				t.Errorf("error %v, want one that says %q", err, test.refused)
			}
		})
	}
}

// The truth file says of which day its city is.
func TestTruthDay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "truth.jsonl")
	if day, err := TruthDay(file); err != nil || !day.IsZero() {
		t.Errorf("without a file: %s, %v", day, err)
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(WriteTruth(f, Options{Seed: 1, Size: world.Tiny, Base: time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)}), f.Close()); err != nil {
		t.Fatal(err)
	}
	if day, err := TruthDay(file); err != nil || Today(day) != "2026-11-23" {
		t.Errorf("of day %s, %v", day, err)
	}
	if err := os.WriteFile(file, []byte(`{"type":"ru`), 0o600); err != nil {
		t.Fatal(err)
	}
	if day, err := TruthDay(file); err != nil || !day.IsZero() {
		t.Errorf("of a file cut off: %s, %v", day, err)
	}
}
