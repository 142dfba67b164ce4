package synthetic

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Options are the city's: all thirteen sources and WriteTruth must be given the
// same Seed, Size and Base to speak of the same city.
type Options struct {
	Seed int64  // 0 is a seed like any other
	Size string // world.Tiny, City or Big; "" = world.Tiny
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

// Departments returns the ids of the departments that have a source, GA first.
func Departments() []string {
	var ids []string
	for _, d := range world.Departments() {
		ids = append(ids, d.ID())
	}
	return ids
}

// settings are the options as a connector's configuration writes them.
type settings struct {
	Options
	day string
}

// Declare implements option.Declarer.
func (s *settings) Declare(l *option.List) {
	l.Add(&s.Seed, "seed", "种子，0 也是种子；同一座城的各数据源须相同", "the seed, 0 is one like any other; all sources of one city have the same")
	l.Add(&s.Size, "size", "城市规模", "how large the city is").Default(world.Tiny).OneOf(world.Tiny, world.City, world.Big)
	l.Add(&s.day, "base", "城市的今天（亚洲/上海的日期）；缺省为现在。数据里的时间都相对于它，所以每天能发现的都一样",
		"the city's today, a day in Asia/Shanghai; default now. Times in the data are relative to it, so that what is to be found is the same on every day").
		Must(func() bool { return s.day == "" || s.readDay() == nil }, "日期，如 2026-11-22", "a day such as 2026-11-22")
	l.Add(&s.Department, "department", "这是哪个部门的数据源：GA、MZ……；缺省为所供数据集的提供部门", "whose source this is: GA, MZ, ...; default the provider of the datasets that the source feeds")
	l.Add(&s.Rate, "rate", "首份数据之后全城每秒多少个中性变更，各部门按份；0 为没有", "how many neutral changes a second the whole city makes once the first copy is done; each department makes its share. 0 = none").Least("0")
	l.Add(&s.Correct, "correct", "首份数据之后改正每第二个埋下的矛盾", "mends every second contradiction that was planted, after the first copy")
	l.Add(&s.CorrectAfter, "correct_after", "首份数据多久之后开始改正；有 end 时无效", "how long after the first copy corrections begin; only without end").Default("60s")
	l.Add(&s.CorrectEvery, "correct_every", "两次改正相隔多久；有 end 时无效", "how far apart corrections are; only without end").Default("2s")
	l.Add(&s.End, "end", "首份数据（及改正）之后结束", "makes the source end after the first copy and, with correct, the corrections")
	l.Add(&s.Calm, "calm", "每行只送一次且按次序，没有旧映像和重复；真值只少了重复", "sends every row in order and once: no older images, no duplicates. The truth is the same but for its duplicates")
	l.Add(&s.Faults, "faults", "实时变更中不时埋下并改正一个矛盾；写日志，不在真值文件里", "lets the live stream plant a contradiction now and then, and mend it. They are logged and not in the truth file")
	l.Add(&s.Batch, "batch", "一批最多多少变更", "the most changes in a batch").Default(500).Least("1")
	l.Add(&s.Truth, "truth", "打开时把真值写进这个文件", "a file that the truth is written to when the source is opened")
	l.Add(&s.Rows, "rows", "真值文件里也写出每一行；tiny 总是写", "writes every row into the truth file too; tiny always does")
}

func (s *settings) readDay() error {
	t, err := time.ParseInLocation(time.DateOnly, s.day, schemas.Zone)
	if err == nil {
		s.Base = t
	}
	return err
}

// Map returns the options as connectors.Config carries them; what is not set is left out.
func (o Options) Map() map[string]any {
	m := map[string]any{
		"seed": o.Seed, "rate": o.Rate, "correct": o.Correct, "end": o.End, "calm": o.Calm, "faults": o.Faults, "batch": o.Batch, "rows": o.Rows,
		"size": o.Size, "department": o.Department, "truth": o.Truth, "correct_after": o.CorrectAfter, "correct_every": o.CorrectEvery,
	}
	if !o.Base.IsZero() {
		m["base"] = o.Base.In(schemas.Zone).Format(time.DateOnly)
	}
	maps.DeleteFunc(m, func(_ string, v any) bool { return reflect.ValueOf(v).IsZero() })
	return m
}

// world returns the city of the options.
func (o Options) world(now time.Time) (*world.World, error) {
	base := o.Base
	if base.IsZero() {
		base = now
	}
	size := o.Size
	if size == "" {
		size = world.Tiny
	}
	return world.New(o.Seed, size, base, o.Calm)
}

// position is how far a source has been read. It carries what makes the
// stream, so that a source opened on another day goes on with the same one.
type position struct {
	City       int    `json:"city,omitempty"` // the edition, 0 of the first release
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

func (p position) elder() bool { return p.City < world.Edition && p.Base != "" }

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
		return p, fmt.Errorf("本版本的示例城市与原来的不同，须整个重读 / the made-up city of this build is another (edition %d, the position is of %d): %w", world.Edition, p.City, connectors.ErrPositionLost)
	}
	if p.Seed != o.Seed || p.Size != o.Size || p.Department != o.Department || p.Calm != o.Calm {
		return p, fmt.Errorf("原来的城市是种子 %[1]d、规模 %[2]s、部门 %[3]s、calm %[4]t，现在写的是 %[5]d、%[6]s、%[7]s、%[8]t：用回原来的，或换一个数据目录 / the city so far is of seed %[1]d, size %[2]s, department %[3]s, calm %[4]t, the options say %[5]d, %[6]s, %[7]s, %[8]t: go on with the former, or take another data folder: %[9]w",
			p.Seed, p.Size, p.Department, p.Calm, o.Seed, o.Size, o.Department, o.Calm, connectors.ErrPositionLost)
	}
	t, err := time.ParseInLocation(time.DateOnly, p.Base, schemas.Zone)
	if err != nil || p.Step < 0 || p.Skip < 0 || p.Fix < 0 || p.Live < 0 {
		return p, fmt.Errorf("不是这个数据源的位置 / decode position: not one of this source: %w", connectors.ErrPositionLost)
	}
	o.Base = t
	return p, nil
}
