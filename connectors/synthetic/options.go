package synthetic

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Options are the city's: all thirteen sources and WriteTruth must be given the
// same Seed, Size and Base to speak of the same city.
type Options struct {
	Seed int64  // 0 is a seed like any other
	Size string // Tiny, City or Big; "" = Tiny
	// Base is the city's today; only its calendar day in Asia/Shanghai counts.
	// Zero = now. Times in the data are relative to it, so that what is to be
	// found is the same on every day.
	Base time.Time
	// Department is whose source this is: GA, MZ, ... "" = the provider of the
	// datasets that the connector feeds.
	Department string
	// Rate is how many neutral changes a second the whole city makes once the
	// first copy is done; each department makes its share. 0 = none.
	Rate int
	// Correct runs the correction stream after the first copy: it mends every
	// second contradiction that was planted.
	Correct bool
	// CorrectAfter is how long after the first copy corrections begin, and
	// CorrectEvery how far apart they are; both only without End. Zero = 60 s, 2 s.
	CorrectAfter, CorrectEvery time.Duration
	// End makes the source end (io.EOF) after the first copy and, with Correct,
	// the corrections.
	End bool
	// Calm sends every row in order and once: no older images, no duplicates. The
	// truth is the same but for its duplicates.
	Calm bool
	// Faults lets the live stream plant a contradiction now and then, and mend
	// it. They are logged and not in the truth file.
	Faults bool
	// Batch is the most changes in a batch. 0 = 500.
	Batch int
	// Truth is a file that Open writes the truth to ("" = none); Rows as for
	// WriteTruth.
	Truth string
	Rows  bool
}

// settings are the options as a connector's configuration writes them.
type settings struct {
	Seed         int64         `option:"seed"`
	Size         string        `option:"size"`
	Base         string        `option:"base"`
	Department   string        `option:"department"`
	Rate         int           `option:"rate"`
	Correct      bool          `option:"correct"`
	CorrectAfter time.Duration `option:"correct_after"`
	CorrectEvery time.Duration `option:"correct_every"`
	End          bool          `option:"end"`
	Calm         bool          `option:"calm"`
	Faults       bool          `option:"faults"`
	Batch        int           `option:"batch"`
	Truth        string        `option:"truth"`
	Rows         bool          `option:"rows"`
}

// Map returns the options as connectors.Config carries them.
func (o Options) Map() map[string]any {
	m := map[string]any{
		"seed": o.Seed, "rate": o.Rate, "correct": o.Correct, "end": o.End, "calm": o.Calm, "faults": o.Faults, "batch": o.Batch, "rows": o.Rows,
		"size": o.Size, "department": o.Department, "truth": o.Truth, "correct_after": o.CorrectAfter, "correct_every": o.CorrectEvery,
	}
	if !o.Base.IsZero() {
		m["base"] = o.Base.In(zone).Format(time.DateOnly)
	}
	return m
}

func (s settings) options() (Options, error) {
	o := Options{
		Seed: s.Seed, Size: s.Size, Department: s.Department, Rate: s.Rate, Correct: s.Correct, CorrectAfter: s.CorrectAfter,
		CorrectEvery: s.CorrectEvery, End: s.End, Calm: s.Calm, Faults: s.Faults, Batch: s.Batch, Truth: s.Truth, Rows: s.Rows,
	}
	if o.Size == "" {
		o.Size = Tiny
	}
	if o.Batch == 0 {
		o.Batch = 500
	}
	if o.CorrectAfter == 0 {
		o.CorrectAfter = time.Minute
	}
	if o.CorrectEvery == 0 {
		o.CorrectEvery = 2 * time.Second
	}
	if s.Base != "" {
		t, err := time.ParseInLocation(time.DateOnly, s.Base, zone)
		if err != nil {
			return o, fmt.Errorf("须为日期 / option %q: want a day such as 2026-11-22: %w", "base", connectors.ErrConfig)
		}
		o.Base = t
	}
	if s.Rate < 0 || s.Batch < 0 {
		return o, fmt.Errorf("不能为负数 / options %q and %q must not be negative: %w", "rate", "batch", connectors.ErrConfig)
	}
	return o, nil
}

// world returns the city of the options.
func (o Options) world(now time.Time) (*world, error) {
	base := o.Base
	if base.IsZero() {
		base = now
	}
	size := o.Size
	if size == "" {
		size = Tiny
	}
	w, err := newWorld(o.Seed, size, dayOf(base))
	if err == nil {
		w.calm = o.Calm
	}
	return w, err
}

// edition is that of the made-up city: a build in which the same seed makes other rows
// raises it. Positions of the first release name none.
const edition = 2

// position is how far a source has been read. It carries what makes the
// stream, so that a source opened on another day goes on with the same one.
type position struct {
	City       int    `json:"city,omitempty"` // the edition
	Seed       int64  `json:"seed"`
	Size       string `json:"size"`
	Base       string `json:"base"`
	Department string `json:"department"`
	Calm       bool   `json:"calm,omitempty"`
	Step       int    `json:"step"`            // of the first copy
	Skip       int    `json:"skip,omitempty"`  // events of that step already sent
	Fix        int    `json:"fix,omitempty"`   // corrections sent
	Live       int    `json:"live,omitempty"`  // neutral changes sent
	Epoch      int64  `json:"epoch,omitempty"` // when the live stream began, in milliseconds
}

func (p position) encode() (schemas.Position, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("encode position: %w", err)
	}
	return schemas.Position(b), nil
}

func (p position) elder() bool { return p.City < edition && p.Base != "" }

// Elder reports whether a position belongs to the city of an earlier build: a source
// that went on from it would be of two cities.
func Elder(after schemas.Position) bool {
	var p position
	return json.Unmarshal([]byte(after), &p) == nil && p.elder()
}

// resume checks a stored position against the options and lets its base day win.
func (o *Options) resume(after schemas.Position) (position, error) {
	var p position
	if err := json.Unmarshal([]byte(after), &p); err != nil {
		return p, fmt.Errorf("decode position: %w: %w", err, connectors.ErrPositionLost)
	}
	if p.elder() {
		return p, fmt.Errorf("本版本的示例城市与原来的不同，须整个重读 / the made-up city of this build is another (edition %d, the position is of %d): %w", edition, p.City, connectors.ErrPositionLost)
	}
	if p.Seed != o.Seed || p.Size != o.Size || p.Department != o.Department || p.Calm != o.Calm {
		return p, fmt.Errorf("position belongs to seed %d, size %s, department %s, calm %t, the options say %d, %s, %s, %t: %w",
			p.Seed, p.Size, p.Department, p.Calm, o.Seed, o.Size, o.Department, o.Calm, connectors.ErrPositionLost)
	}
	t, err := time.ParseInLocation(time.DateOnly, p.Base, zone)
	if err != nil || p.Step < 0 || p.Skip < 0 || p.Fix < 0 || p.Live < 0 {
		return p, fmt.Errorf("decode position: not one of this source: %w", connectors.ErrPositionLost)
	}
	o.Base = t
	return p, nil
}
