package connectors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/connectors/sourcetest"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// What stands in this file is a whole kind of source: a board on which a department
// writes lines "key value". It is what somebody who adds a kind writes: one value that
// declares it, options that are declared once, and a Source. boards is the one line by
// which a distribution takes it in.

var boardKind = connectors.Kind{
	Name:    "board",
	Chinese: "读一块黑板上的行",
	English: "reads the lines on a blackboard",
	Options: func() option.Declarer { return new(boardOptions) },
	Fits:    func(cfg connectors.Config) error { _, err := cfg.One(); return err },
	Open:    openBoard,
}

var boards = connectors.Kinds{boardKind}

type boardOptions struct {
	Board string
	Rows  int
	Split string
}

// Declare implements option.Declarer.
func (o *boardOptions) Declare(l *option.List) {
	l.Add(&o.Board, "board", "哪块黑板", "which board").Required()
	l.Add(&o.Rows, "batch_rows", "一批多少行", "rows of a batch").Default(2).Least("1")
	l.Add(&o.Split, "split", "主键后面是什么", "what stands behind the key").Default("blank").OneOf("blank", "comma")
}

// walls are the boards there are, by name: the department's system.
var walls sync.Map

type board struct {
	mu      sync.Mutex
	lines   []string
	changed chan struct{} // a token
}

func (b *board) write(lines ...string) {
	b.mu.Lock()
	b.lines = append(b.lines, lines...)
	b.mu.Unlock()
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

type boardSource struct {
	cfg     connectors.Config
	options boardOptions
	board   *board
	dataset *schemas.Dataset
	next    int
	told    bool // that it has caught up, since it last read something

	closing sync.Once
	closed  chan struct{}
}

func openBoard(_ context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
	s := &boardSource{cfg: cfg, closed: make(chan struct{})}
	if err := cfg.Read(&s.options); err != nil {
		return nil, err
	}
	wall, ok := walls.Load(s.options.Board)
	if !ok {
		return nil, fmt.Errorf("没有这块黑板 / open board source %q: there is no such board: %w", cfg.Name, connectors.ErrConfig)
	}
	s.board, s.dataset = wall.(*board), cfg.Datasets[0]
	if after != "" {
		if err := json.Unmarshal([]byte(after), &s.next); err != nil {
			return nil, fmt.Errorf("open board source %q: not a position of one: %w", cfg.Name, connectors.ErrPositionLost)
		}
	}
	return s, nil
}

// Read implements connectors.Source.
func (s *boardSource) Read(ctx context.Context) (connectors.Batch, error) {
	return connectors.Idle[struct{}]{Wake: s.board.changed}.Await(ctx, s.look)
}

func (s *boardSource) look(expired bool) (connectors.Batch, bool, error) {
	select {
	case <-s.closed:
		return connectors.Batch{}, false, errors.New("read board: closed")
	default:
	}
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	now := time.Now()
	var b connectors.Batch
	for ; s.next < len(s.board.lines) && len(b.Changes) < s.options.Rows; s.next++ {
		s.line(&b, s.board.lines[s.next], now)
	}
	if b.After = schemas.Position(strconv.Itoa(s.next)); s.next == len(s.board.lines) && len(b.Changes) == 0 {
		b.CaughtUp = now
	}
	some := len(b.Changes) > 0 || !s.told || expired
	s.told = len(b.Changes) == 0
	return b, some, nil
}

func (s *boardSource) line(b *connectors.Batch, text string, now time.Time) {
	key, value, _ := strings.Cut(text, map[string]string{"blank": " ", "comma": ","}[s.options.Split])
	b.Take(s.cfg, connectors.Arrival{
		Dataset: s.dataset, Op: schemas.Update, Cells: []connectors.Cell{connectors.Text(key), connectors.Text(value)},
		Origin: schemas.Origin{Source: s.cfg.Name, Sequence: schemas.Sequence{Major: uint64(s.next) + 1}, At: now},
		Where:  strconv.Itoa(s.next + 1), Raw: [][]byte{[]byte(text)},
	})
}

// Close implements connectors.Source.
func (s *boardSource) Close() error {
	s.closing.Do(func() { close(s.closed); s.board.write() }) // and wake Read
	return nil
}

func boardDataset() *schemas.Dataset {
	text := &schemas.Element{ID: "text", Type: schemas.String}
	layout, err := schemas.NewLayout("t", "ZZ01", schemas.Column{Name: "K", Type: schemas.String}, schemas.Column{Name: "V", Type: schemas.String, Nullable: true})
	if err != nil {
		panic(err)
	}
	return &schemas.Dataset{
		ID: "ZZ01", Key: []string{"K"}, KeyIndex: []int{0}, Layout: layout,
		Fields: []*schemas.Field{{Name: "K", Element: text}, {Name: "V", Element: text, Index: 1, Nullable: true}},
	}
}

// The skeleton is a source like any other: it passes the suite.
func TestSkeletonConforms(t *testing.T) {
	t.Parallel()
	sourcetest.Run(t, sourcetest.Features{Replays: true}, func(t *testing.T) sourcetest.Fixture {
		t.Helper()
		wall := &board{changed: make(chan struct{}, 1)}
		walls.Store(t.Name(), wall)
		return sourcetest.Fixture{
			Kind:   boardKind,
			Config: connectors.Config{Name: "zz-board", Datasets: []*schemas.Dataset{boardDataset()}, Options: map[string]any{"board": t.Name()}},
			Bursts: 2, Secrets: []string{"chalk"}, Want: map[string][]string{"ZZ01": {"a", "b", "c", "d"}},
			Write: func(_ *testing.T, n int) {
				wall.write([][]string{{"a 1", "b chalk", " nobody's chalk", "c 3"}, {"a 2", "d 4"}}[n]...)
			},
		}
	})
}

// One line takes it in; from its one declaration of options they are checked, defaulted
// and described.
func TestSkeletonIsOneLine(t *testing.T) {
	t.Parallel()
	kind, err := boards.Find("board")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := boards.Find("bord"); !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), `known kinds are: board (did you mean "board"?)`) {
		t.Errorf("a kind that is not there: %v", err)
	}
	for _, test := range []struct {
		options map[string]any
		says    string
	}{
		{map[string]any{"board": "x"}, ""},
		{map[string]any{}, `option "board" is missing: which board`},
		{map[string]any{"board": "x", "batch_rows": 0}, `option "batch_rows": want 1 at least`},
		{map[string]any{"board": "x", "split": "coma"}, `want one of blank comma (did you mean "comma"?)`},
		{map[string]any{"board": "x", "rows": 1}, `unknown option "rows", allowed are board batch_rows split`},
	} {
		err := boards.Check(connectors.Config{Name: "zz", Kind: "board", Datasets: []*schemas.Dataset{{ID: "GA01"}}, Options: test.options})
		if (err == nil) != (test.says == "") || err != nil && (!errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%v: %v, want %q", test.options, err, test.says)
		}
	}
	var o boardOptions
	if err := (connectors.Config{Options: map[string]any{"board": "x"}}).Read(&o); err != nil || o.Rows != 2 || o.Split != "blank" {
		t.Errorf("by default it is %+v, %v", o, err)
	}
	docs := option.Docs(kind.Options())
	if len(docs) != 3 || docs[1].Default != "2" || docs[1].Chinese != "一批多少行；至少 1" {
		t.Errorf("it is described as %+v", docs)
	}
}
