package connectors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// office is a department with one table and its log of changes.
type office struct {
	mu   sync.Mutex
	d    *schemas.Dataset
	rows map[string]string
	log  []line
	lost bool // the log is gone: nobody can go on from a position in it
}

type line struct{ key, value string } // "" = deleted

func (o *office) set(key, value string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.put(key, value)
	o.log = append(o.log, line{key, value})
}

func (o *office) put(key, value string) {
	if o.rows[key] = value; value == "" {
		delete(o.rows, key)
	}
}

// restore changes rows without a word in the log, as a restored copy does.
func (o *office) restore(changes ...line) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range changes {
		o.put(l.key, l.value)
	}
	o.lost = true
}

// reader reads an office: the rows as they were when it was opened, then the log.
type reader struct {
	o    *office
	rows []line
	at   int // in rows
	next int // in the log
	ends bool
	said bool // caught up

	part *contract.Backfill // read again beside the log,
	got  int                // so many keys of it so far
}

func (o *office) open(_ context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := &reader{o: o, part: cfg.Backfill}
	if r.part != nil {
		r.got, _ = strconv.Atoi(r.part.Place)
	}
	if after != "" {
		if o.lost && !cfg.Again {
			return nil, fmt.Errorf("the log is gone: %w", connectors.ErrPositionLost)
		}
		at, next, _ := strings.Cut(string(after), ",")
		r.at, _ = strconv.Atoi(at)
		r.next, _ = strconv.Atoi(next)
	} else {
		r.next, o.lost = len(o.log), false
	}
	for i := range 200 { // in order, as a table is read
		if key := "B" + strconv.Itoa(i); o.rows[key] != "" {
			r.rows = append(r.rows, line{key, o.rows[key]})
		}
	}
	return r, nil
}

func (r *reader) Close() error { return nil }

func (r *reader) change(l line, s schemas.Sequence) schemas.Change {
	c := schemas.Change{Dataset: r.o.d, Key: l.key, Op: schemas.Delete, Origin: schemas.Origin{Source: "count", Sequence: s, At: time.UnixMilli(1)}}
	if l.value != "" {
		c.Op = schemas.Snapshot
		c.Record = schemas.NewRecord(r.o.d.Layout, []schemas.Value{schemas.Text(l.key), schemas.Text(l.value), schemas.Int(3), schemas.Text("云岭路1号")})
	}
	return c
}

func (r *reader) Read(ctx context.Context) (connectors.Batch, error) {
	if err := ctx.Err(); err != nil {
		return connectors.Batch{}, err
	}
	r.o.mu.Lock()
	defer r.o.mu.Unlock()
	var b connectors.Batch
	if r.at < len(r.rows) {
		for ; r.at < len(r.rows) && len(b.Changes) < 3; r.at++ {
			b.Changes = append(b.Changes, r.change(r.rows[r.at], schemas.Sequence{Major: uint64(r.next) + 1, Minor: uint32(r.at)}))
		}
		b.State = contract.StateSnapshot
	} else if r.next == len(r.o.log) && r.part != nil && r.got >= 0 {
		r.fill(&b)
	} else if r.next < len(r.o.log) {
		b.Changes = append(b.Changes, r.change(r.o.log[r.next], schemas.Sequence{Major: uint64(r.next) + 2}))
		r.next++
	} else if b.CaughtUp, b.State = time.Now(), contract.StateRunning; r.said {
		if r.ends {
			return b, io.EOF
		}
		r.o.mu.Unlock() // idle
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
		r.o.mu.Lock()
	} else {
		r.said = true
	}
	b.After = schemas.Position(fmt.Sprintf("%d,%d", r.at, r.next))
	return b, nil
}

// held returns what the raw topic comes to, by key, and refuses an event that is
// there twice.
func (w world) held(t *testing.T) map[string]string {
	t.Helper()
	out, seen := map[string]string{}, map[string]bool{}
	err := w.bus.Replay(t.Context(), contract.Raw(w.d.ID), func(r bus.Record) error {
		pos := string(r.Header("pos"))
		if seen[pos] {
			t.Errorf("%s was published twice", pos)
		}
		seen[pos] = true
		if r.Value == nil {
			delete(out, string(r.Key))
			return nil
		}
		rec, err := w.codec.Reader(w.d.Layout).Decode(t.Context(), r.Value)
		if err == nil {
			out[string(r.Key)] = rec.Value(1).Str()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// until runs the source until done says so of what it tells.
func (w world) until(t *testing.T, open connectors.Open, done func(connectors.Told) bool) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cfg, met := w.config(), false
	cfg.Tell = func(told connectors.Told) {
		if !met && done(told) {
			met = true
			cancel()
		}
	}
	err := connectors.Run(ctx, w.bus, w.codec, cfg, open)
	if !met && err == nil {
		t.Fatalf("what was waited for did not come; status %+v", w.status(t))
	}
	return err
}

// said is the status as it stands in the topic; it fences nobody.
func (w world) said(t *testing.T) (s contract.SourceStatus) {
	t.Helper()
	err := w.bus.Replay(t.Context(), contract.Sources, func(r bus.Record) error {
		if string(r.Key) == "count" {
			s = contract.SourceStatus{}
			return json.Unmarshal(r.Value, &s)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func current(told connectors.Told) bool {
	return told.Status.State == contract.StateRunning && told.Status.Resync == nil
}

func heldForDeletes(told connectors.Told) bool { return told.Status.State == contract.StateHeld }

// full is an office with n rows, read to its end.
func full(t *testing.T, n int) (world, *office) {
	t.Helper()
	w := newWorld(t)
	o := &office{d: w.d, rows: map[string]string{}}
	for i := range n {
		o.set("B"+strconv.Itoa(i), "first")
	}
	if err := w.until(t, o.open, current); err != nil {
		t.Fatal(err)
	}
	return w, o
}

func (w world) same(t *testing.T, o *office) {
	t.Helper()
	if d := cmp.Diff(o.rows, w.held(t)); d != "" {
		t.Errorf("the raw topic differs from the office (-want +got):\n%s", d)
	}
}

// A lost position stays lost over restarts, and as_of stands still, until the
// source is read again; then the raw topic is what the department has, with what
// it has no more deleted, under a higher epoch.
func TestResyncMendsALostPosition(t *testing.T) {
	w, o := full(t, 20)
	before := w.status(t)
	o.restore(line{"B3", ""}, line{"B4", ""}, line{"B5", "restored"}, line{"B20", "new"})
	for range 3 { // each a restart
		opened := 0
		err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), func(ctx context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
			opened++
			src, err := o.open(ctx, cfg, after)
			o.mu.Lock()
			o.lost = false // as a slot that was made again looks sound
			o.mu.Unlock()
			return src, err
		})
		if !errors.Is(err, connectors.ErrPositionLost) {
			t.Fatalf("Run = %v, want ErrPositionLost", err)
		}
		s := w.status(t)
		word := s.Word("count", contract.Known{})
		if word.State != contract.StateFailed || word.Do != "yiyuan source resync count" || !strings.Contains(word.Why, "the log is gone") || strings.Count(word.Why, "position lost") != 1 || s.CaughtUp != before.CaughtUp || s.Position != before.Position {
			t.Errorf("after a restart it says %+v of %+v", word, s)
		}
	}
	o.lost = true
	if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
		t.Fatal(err)
	}
	caughtUp := false
	err := w.until(t, o.open, func(told connectors.Told) bool {
		caughtUp = caughtUp || told.Status.Resync != nil && told.Status.CaughtUp != before.CaughtUp
		return current(told)
	})
	if err != nil {
		t.Fatal(err)
	}
	w.same(t, o)
	after := w.status(t)
	if caughtUp || after.Epoch <= before.Epoch || after.Lost != "" || after.Do != "" || after.CaughtUp <= before.CaughtUp {
		t.Errorf("as_of moved meanwhile: %v; afterwards %+v", caughtUp, after)
	}
}

// A position that is lost while the source is read again stays lost too: whatever a
// slot that was made again brings is not all there is, and the rest must not be
// deleted. Another order mends it.
func TestPositionLostDuringAResync(t *testing.T) {
	w, o := full(t, 12)
	o.restore(line{"B3", ""}, line{"B12", "new"})
	if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
		t.Fatal(err)
	}
	reading := func(told connectors.Told) bool {
		return told.Status.Resync != nil && told.Status.Resync.Step == contract.ResyncReading && told.Status.Resync.Rows > 0
	}
	if err := w.until(t, o.open, reading); err != nil {
		t.Fatal(err)
	}
	opened := 0
	lost := func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) {
		opened++
		return nil, fmt.Errorf("the log is gone again: %w", connectors.ErrPositionLost)
	}
	for range 3 { // each a restart
		if err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), lost); !errors.Is(err, connectors.ErrPositionLost) {
			t.Fatalf("Run = %v, want ErrPositionLost", err)
		}
		if word := w.status(t).Word("count", contract.Known{}); word.State != contract.StateFailed || word.Do != "yiyuan source resync count" {
			t.Errorf("it says %+v", word)
		}
	}
	if opened != 1 {
		t.Errorf("it was opened %d times, want once: afterwards it is known to be lost", opened)
	}
	if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
		t.Fatal(err)
	}
	if err := w.until(t, o.open, current); err != nil {
		t.Fatal(err)
	}
	w.same(t, o)
}

// Killed after whatever it has committed, and run again, a resync comes to the
// same: nothing lost, nothing twice.
func TestResyncKilledAnywhere(t *testing.T) {
	killedAnywhere(t, 6, func(w world, o *office) {
		o.restore(line{"B3", ""}, line{"B4", ""}, line{"B5", "restored"}, line{"B10", "new"})
		if err := connectors.Resync(t.Context(), w.bus, "count", 2); err != nil {
			t.Fatal(err)
		}
	})
}

// killedAnywhere has a source of ten rows do what begin orders, killed after each of the words
// that it says, beside changes, and run again. There are least such places at the least.
func killedAnywhere(t *testing.T, least int, begin func(w world, o *office)) {
	t.Helper()
	for n := 1; ; n++ {
		w, o := full(t, 10)
		begin(w, o)
		ctx, cancel := context.WithCancel(t.Context())
		cfg := w.config()
		told, killed, ended := 0, make(chan struct{}), make(chan struct{})
		over := false
		cfg.Tell = func(say connectors.Told) {
			if told++; told == n { // it does not come back from here, as if it were killed
				over = o.settled(say)
				close(killed)
				<-ctx.Done()
			}
		}
		go func() {
			defer close(ended)
			_ = connectors.Run(ctx, w.bus, w.codec, cfg, o.open) // a killed process tells nobody
		}()
		<-killed
		o.set("B1", "changed meanwhile")
		o.set("B2", "")
		o.set("B3", "came back")
		if err := w.until(t, o.open, o.settled); err != nil {
			t.Fatal(err)
		}
		cancel()
		<-ended
		w.same(t, o)
		if s := w.status(t); s.Resync != nil || len(s.Backfills) > 0 || s.Lost != "" {
			t.Errorf("killed after %d: %+v", n, s)
		}
		if t.Failed() {
			t.Fatalf("killed after %d", n)
		}
		if over {
			if n < least {
				t.Errorf("only %d places to be killed at", n)
			}
			return
		}
	}
}

// More deletes than the limit wait for a person, over restarts too; too small an
// answer is none.
func TestResyncAsksBeforeItDeletesMuch(t *testing.T) {
	w, o := full(t, 20)
	for i := range 9 {
		o.restore(line{"B" + strconv.Itoa(i), ""})
	}
	before := maps.Clone(w.held(t))
	if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
		t.Fatal(err)
	}
	for _, accept := range []int64{0, 8} {
		if accept > 0 {
			if err := connectors.Resync(t.Context(), w.bus, "count", accept); err != nil {
				t.Fatal(err)
			}
		}
		var word contract.Word
		if err := w.until(t, o.open, func(told connectors.Told) bool {
			word = told.Status.Word("count", contract.Known{Here: true})
			return heldForDeletes(told)
		}); err != nil {
			t.Fatal(err)
		}
		if word.State != contract.StateHeld || word.Do != "yiyuan source resync count --accept-deletes 9" || !strings.Contains(word.Why, "ZJ01 9/20") {
			t.Errorf("it stands still and says %+v", word)
		}
		if d := cmp.Diff(before, w.held(t)); d != "" {
			t.Errorf("published before somebody answered (-want +got):\n%s", d)
		}
	}
	if err := connectors.Resync(t.Context(), w.bus, "count", 9); err != nil {
		t.Fatal(err)
	}
	if err := w.until(t, o.open, current); err != nil {
		t.Fatal(err)
	}
	w.same(t, o)
}

// What is read again may be no more than a part: one row that does not come is too many
// to delete without a word, over a restart too.
func TestResyncOfAPartAsksBeforeItDeletesAny(t *testing.T) {
	w, o := full(t, 40)
	w.part = true
	o.restore(line{"B7", ""})
	before := maps.Clone(w.held(t))
	if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var word contract.Word
		if err := w.until(t, o.open, func(told connectors.Told) bool {
			word = told.Status.Word("count", contract.Known{Here: true})
			return heldForDeletes(told) || current(told)
		}); err != nil {
			t.Fatal(err)
		}
		if word.State != contract.StateHeld || word.Do != "yiyuan source resync count --accept-deletes 1" ||
			!strings.Contains(word.Why, "ZJ01 1/40") || !strings.Contains(word.Why, "；到 39,40 / ") || !strings.Contains(word.Why, "; up to 39,40") {
			t.Errorf("it stands still and says %+v", word)
		}
		if d := cmp.Diff(before, w.held(t)); d != "" {
			t.Errorf("published before somebody answered (-want +got):\n%s", d)
		}
	}
	if err := connectors.Resync(t.Context(), w.bus, "count", 1); err != nil {
		t.Fatal(err)
	}
	if err := w.until(t, o.open, current); err != nil {
		t.Fatal(err)
	}
	w.same(t, o)
}

// A second order begins again; a third finds nothing to do, and deletes nothing.
func TestResyncTwice(t *testing.T) {
	w, o := full(t, 10)
	o.restore(line{"B3", ""})
	for range 2 {
		if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
			t.Fatal(err)
		}
		reading := func(told connectors.Told) bool { return told.Status.Resync != nil && told.Status.Resync.Rows > 3 }
		if err := w.until(t, o.open, reading); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
			t.Fatal(err)
		}
		if err := w.until(t, o.open, current); err != nil {
			t.Fatal(err)
		}
		w.same(t, o)
	}
}

// Rows of another source of the same dataset are not this one's to delete.
func TestResyncLeavesOthersAlone(t *testing.T) {
	w, o := full(t, 10)
	other := w.config()
	other.Name = "other"
	c := building(w.d, 100)
	err := connectors.Run(t.Context(), w.bus, w.codec, other, func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) {
		return &special{[]connectors.Batch{{Changes: []schemas.Change{c}, After: "1"}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	o.restore(line{"B3", ""})
	if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
		t.Fatal(err)
	}
	if err := w.until(t, o.open, current); err != nil {
		t.Fatal(err)
	}
	got := w.held(t)
	if got["B100"] != "x" || got["B3"] != "" {
		t.Errorf("the raw topic holds %v", got)
	}
}

// A record that no source wrote bars nobody from being read again.
func TestResyncPassesOverForeignRecords(t *testing.T) {
	w, o := full(t, 10)
	p, err := w.bus.Publisher(t.Context(), "stranger")
	if err != nil {
		t.Fatal(err)
	}
	var foreign []bus.Record
	for _, pos := range []string{"count@junk", "count", "@", ""} {
		foreign = append(foreign, bus.Record{
			Topic: contract.Raw(w.d.ID), Partition: bus.ByKey, Key: []byte("evil" + pos), Value: []byte{1},
			Headers: []bus.Header{{Key: contract.Pos, Value: []byte(pos)}, {Key: contract.Operation, Value: []byte("u")}},
		})
	}
	if err := p.Publish(t.Context(), foreign, contract.SourceStatus{Position: "1", State: contract.StateRunning}); err != nil {
		t.Fatal(err)
	}
	p.Close()
	o.restore(line{"B3", ""})
	if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
		t.Fatal(err)
	}
	if err := w.until(t, o.open, current); err != nil {
		t.Fatal(err)
	}
	if s := w.status(t); s.Resync != nil || s.Epoch == 0 {
		t.Errorf("it says %+v", s)
	}
}

// Whatever a stranger writes under the key of a row that the department has no more, or
// in the name of its source, the row is deleted, also where compaction has left nothing
// else of it; and what it has is not.
func TestResyncSeesThroughGarbage(t *testing.T) {
	w, o := full(t, 30)
	good := func(key string) []byte {
		writer, err := w.codec.Writer(t.Context(), contract.Raw(w.d.ID).Subject(), w.d.Layout)
		if err != nil {
			t.Fatal(err)
		}
		value, err := writer.Append(nil, (&reader{o: o}).change(line{key, "forged"}, schemas.Sequence{}).Record)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	write := func(epoch uint64) {
		t.Helper()
		forged := func(key, op, pos string, value []byte) bus.Record {
			return bus.Record{Topic: contract.Raw(w.d.ID), Partition: bus.ByKey, Key: []byte(key), Value: value, Headers: []bus.Header{{Key: contract.Operation, Value: []byte(op)}, {Key: contract.Pos, Value: []byte(pos)}}}
		}
		pos := contract.AppendPos(nil, "count", schemas.Sequence{Epoch: epoch, Major: 1})
		lost := append([]byte{0, 0x7f, 0xff, 0xff, 0xff}, good("B3")[5:]...)
		records := []bus.Record{
			forged("B0", "u", string(pos), []byte("cut")), forged("B1", "u", string(pos), append(good("B1"), 0)), forged("B2", "u", string(pos), good("B29")), forged("B3", "u", string(pos), lost),
			forged("B4", "x", string(pos), good("B4")), forged("B5", "?", string(pos), good("B5")), forged("B6", "u", "nowhere", good("B6")), forged("B7", "u", "other@0.1.1.0", []byte("cut")),
			forged("B8", "u", "count@ffffffffffff.1.1.0", good("B8")), forged("B9", "u", string(pos), []byte("cut")),
		}
		if err := w.bus.Append(t.Context(), records...); err != nil {
			t.Fatal(err)
		}
	}
	write(w.status(t).Epoch)
	for i := range 9 { // B9 is there still
		o.restore(line{"B" + strconv.Itoa(i), ""})
	}
	if err := connectors.Resync(t.Context(), w.bus, "count", 30); err != nil {
		t.Fatal(err)
	}
	wrote := false
	open := func(ctx context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
		if !wrote {
			wrote = true
			write(w.said(t).Epoch)
		}
		return o.open(ctx, cfg, after)
	}
	if err := w.until(t, open, current); err != nil {
		t.Fatal(err)
	}
	deleted := map[string]bool{}
	err := w.bus.Replay(t.Context(), contract.Raw(w.d.ID), func(r bus.Record) error {
		if string(r.Header(contract.Operation)) == "d" {
			deleted[string(r.Key)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		if key := "B" + strconv.Itoa(i); deleted[key] != (i < 9) {
			t.Errorf("%s was deleted: %v", key, deleted[key])
		}
	}
}

// TestResyncAfterCompaction: of a row that has vanished compaction has left a stranger's
// garbage alone. It is deleted all the same if nobody else feeds the dataset.
func TestResyncAfterCompaction(t *testing.T) {
	w, o := full(t, 10)
	garbage := bus.Record{Topic: contract.Raw(w.d.ID), Partition: bus.ByKey, Key: []byte("B77"), Value: []byte("cut"), Headers: []bus.Header{{Key: contract.Operation, Value: []byte("u")}, {Key: contract.Pos, Value: []byte("x@1")}}}
	if err := w.bus.Append(t.Context(), garbage); err != nil {
		t.Fatal(err)
	}
	if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
		t.Fatal(err)
	}
	if err := w.until(t, o.open, current); err != nil {
		t.Fatal(err)
	}
	deletes := 0
	err := w.bus.Replay(t.Context(), contract.Raw(w.d.ID), func(r bus.Record) error {
		if string(r.Header(contract.Operation)) == "d" && string(r.Key) == "B77" {
			deletes++
		}
		return nil
	})
	if err != nil || deletes != 1 {
		t.Errorf("%d deletes, %v, want one", deletes, err)
	}
}

// TestHandedOver: a dataset goes from one source to another. Rows that only the former
// brought are deleted when the other is read again, asked about where they are many, and
// not while the former, or a third, still feeds it.
func TestHandedOver(t *testing.T) {
	for name, c := range map[string]struct {
		retire, shrink, third bool
		deleted               bool
	}{"both feed it": {}, "retired": {retire: true, deleted: true}, "taken from it": {shrink: true, deleted: true}, "a third feeds it": {retire: true, third: true}} {
		t.Run(name, func(t *testing.T) {
			w, o := full(t, 10)
			run := func(source string, datasets []*schemas.Dataset, n int) {
				t.Helper()
				cfg := w.config()
				cfg.Name, cfg.Datasets = source, datasets
				b := connectors.Batch{After: "1"}
				if n > 0 {
					b.Changes = append(b.Changes, building(w.d, n))
				}
				err := connectors.Run(t.Context(), w.bus, w.codec, cfg, func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) {
					return &special{[]connectors.Batch{b}}, nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			run("former", []*schemas.Dataset{w.d}, 100)
			if c.retire {
				if err := connectors.Retire(t.Context(), w.bus, "former", "op@host"); err != nil {
					t.Fatal(err)
				}
			}
			if c.shrink {
				run("former", nil, 0)
			}
			if c.third {
				run("third", []*schemas.Dataset{w.d}, 101)
			}
			if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
				t.Fatal(err)
			}
			if err := w.until(t, o.open, current); err != nil {
				t.Fatal(err)
			}
			got := w.held(t)
			if _, there := got["B100"]; there == c.deleted || len(got) < 10 {
				t.Errorf("the raw topic holds %v", got)
			}
			if n := w.status(t).Inherited["former"]; (n == 1) != c.deleted {
				t.Errorf("inherited %d", n)
			}
		})
	}
}

// A source that is given up while its resync waits for an answer, and taken up
// again, waits for it still: what it has not deleted is still there.
func TestRetiredResyncGoesOn(t *testing.T) {
	w, o := full(t, 10)
	for i := range 8 {
		o.restore(line{"B" + strconv.Itoa(i), ""})
	}
	if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
		t.Fatal(err)
	}
	if err := w.until(t, o.open, heldForDeletes); err != nil {
		t.Fatal(err)
	}
	if err := connectors.Retire(t.Context(), w.bus, "count", "op@host"); err != nil {
		t.Fatal(err)
	}
	if s := w.status(t); s.Word("count", contract.Known{}).State != contract.StateRetired {
		t.Errorf("retired it says %+v", s)
	}
	if err := connectors.Start(t.Context(), w.bus, "count"); err != nil {
		t.Fatal(err)
	}
	if err := w.until(t, o.open, heldForDeletes); err != nil {
		t.Fatal(err)
	}
	if err := connectors.Resync(t.Context(), w.bus, "count", 8); err != nil {
		t.Fatal(err)
	}
	if err := w.until(t, o.open, current); err != nil {
		t.Fatal(err)
	}
	w.same(t, o)
}

// What cannot be read again says so, and what to do instead; it goes on as it was.
func TestResyncRefused(t *testing.T) {
	w, o := full(t, 3)
	if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
		t.Fatal(err)
	}
	cfg := w.config()
	cfg.Reread.Cannot = "推送来的数据不能重读 / what was pushed cannot be read again"
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	said := ""
	cfg.Tell = func(told connectors.Told) {
		said += told.Status.Error
		if current(told) {
			cancel()
		}
	}
	if err := connectors.Run(ctx, w.bus, w.codec, cfg, o.open); err != nil || !strings.Contains(said, "cannot be read again") {
		t.Errorf("Run = %v, it said %q", err, said)
	}
	w.same(t, o)
}

// What a source has delivered late stands behind what is newer of the row, and says
// nothing of it: a row whose last record is an older delete is there, and one whose last
// record is older than its delete is not. A truncate empties what is older than itself.
func TestResyncOfLateRecords(t *testing.T) {
	w := newWorld(t)
	o := &office{d: w.d, rows: map[string]string{}}
	change := func(n int, op schemas.Op, major uint64) schemas.Change {
		c := building(w.d, n)
		c.Op, c.Origin.Sequence.Major = op, major
		switch op {
		case schemas.Truncate:
			c.Key, c.Record = "", schemas.Record{}
		case schemas.Delete:
			c.Record = schemas.Record{}
		default: // the row as it stands
		}
		return c
	}
	var said []schemas.Change
	for i := range 40 { // enough, lest a person be asked
		said = append(said, change(i, schemas.Create, uint64(100+i)))
		o.put("B"+strconv.Itoa(i), "x")
	}
	said = append(said,
		change(53, schemas.Create, 3), change(52, schemas.Create, 8), change(0, schemas.Truncate, 7), change(53, schemas.Create, 5),
		change(50, schemas.Create, 11), change(50, schemas.Delete, 10),
		change(51, schemas.Delete, 13), change(51, schemas.Create, 12),
	)
	w.run(t, "count", connectors.Batch{After: "0,0", CaughtUp: time.UnixMilli(5), Changes: said})

	w.lacksTwo(t, o)
	var deleted []string
	err := w.bus.Replay(t.Context(), contract.Raw(w.d.ID), func(r bus.Record) error {
		if _, at, _ := contract.ParsePos(r.Header(contract.Pos)); at.Epoch == w.said(t).Epoch && string(r.Header(contract.Operation)) == string(schemas.Delete) {
			deleted = append(deleted, string(r.Key))
		}
		return nil
	})
	if slices.Sort(deleted); err != nil || !slices.Equal(deleted, []string{"B50", "B52"}) {
		t.Errorf("deleted were %v, %v", deleted, err)
	}
}

// lacksTwo tries what reading an office again would change, which lacks two rows of those
// that stand, and reads it again.
func (w world) lacksTwo(t *testing.T, o *office) {
	t.Helper()
	cfg := w.config()
	cfg.Reread.Dry = func(ctx context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
		src, err := o.open(ctx, cfg, after)
		src.(*reader).ends = true
		return src, err
	}
	trial, err := connectors.DryResync(t.Context(), w.bus, w.codec, cfg)
	if err != nil || trial[0].Deleted != 2 || trial[0].New != 0 {
		t.Errorf("a trial says %+v, %v; two rows are there that the office has no more", trial, err)
	}
	if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
		t.Fatal(err)
	}
	if err := w.until(t, o.open, current); err != nil {
		t.Fatal(err)
	}
}
