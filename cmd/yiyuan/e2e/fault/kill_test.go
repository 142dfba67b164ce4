package fault

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// TestKilledHalfWay kills the process with -9 again and again, on the way and
// while it takes up its work, and holds what it came to against the oracle's
// answer and against what an undisturbed run published.
func TestKilledHalfWay(t *testing.T) {
	e2e.InTurn(t)
	want := undisturbed(t, 4)
	t.Run("embedded", func(t *testing.T) {
		dir, address := t.TempDir(), e2e.FreePort(t)
		killed(t, want, dir, []string{address}, map[string]any{
			"embedded": map[string]any{"listen": address, "data": filepath.Join(dir, "broker")},
		}, "")
	})
	t.Run("kafka", func(t *testing.T) {
		brokers, prefix := strings.Split(e2e.Service(t, "YIYUAN_TEST_KAFKA"), ","), e2e.UniquePrefix()
		killed(t, want, t.TempDir(), brokers, map[string]any{"brokers": brokers, "prefix": prefix}, prefix)
	})
}

// stream is what the sources said in a run.
type stream struct {
	base      time.Time
	records   map[string][]string // by topic and partition
	positions map[string]string   // by source, at the end
	total     int64               // records of the journey, markers included
	// quarantine is what a test has put in itself: "dataset field reason".
	quarantine []string
}

const killSeed = 5

// undisturbed is what the city comes to without a fault, on topics of so many
// partitions. It is run once; each test gets a copy that it may add to.
func undisturbed(t *testing.T, partitions int) *stream {
	t.Helper()
	calm.mu.Lock()
	defer calm.mu.Unlock()
	if calm.runs[partitions] == nil {
		kafka, dir := e2e.FreePort(t), t.TempDir()
		p := e2e.Launch(t, "run", "--config", e2e.Write(t, map[string]any{
			"roles":      []string{e2e.ProcessorsRole},
			"keys":       map[string]any{"file": e2e.KeyFile(t, dir)},
			"bus":        map[string]any{"partitions": partitions, "embedded": map[string]any{"listen": kafka}},
			"registry":   map[string]any{"listen": ""},
			"processors": map[string]any{"instance": "undisturbed"},
			"admin":      map[string]any{"listen": ""},
			"log":        map[string]any{"level": "warn"},
		}, dir, "yiyuan.yaml"))
		e2e.Connect(t, p, []string{kafka}, "").Close()
		j := e2e.Visit(t, []string{kafka}, "", killSeed, time.Now().In(schemas.Zone))
		j.Feed(true)
		e2e.Drain(j.Ctx, t, j)
		calm.runs[partitions] = &stream{
			base: j.Base, records: published(j.Ctx, t, j), positions: positions(j.Ctx, t, j), total: progress(j.Ctx, t, j.Bus, j.Cat),
		}
		p.Stop()
		if calm.runs[partitions].total == 0 {
			t.Fatal("an undisturbed run came to nothing")
		}
	}
	own := *calm.runs[partitions]
	return &own
}

// calm are the undisturbed runs by number of partitions.
var calm = struct {
	mu   sync.Mutex
	runs map[int]*stream
}{runs: map[int]*stream{}}

// killed runs the city as a process that is killed on the way.
func killed(t *testing.T, want *stream, dir string, brokers []string, busConfig map[string]any, prefix string) {
	t.Helper()
	file := e2e.Write(t, map[string]any{
		"roles":      []string{e2e.ConnectorsRole, e2e.ProcessorsRole},
		"sources":    bindCity(t, dir, want.base),
		"keys":       map[string]any{"file": e2e.KeyFile(t, dir)},
		"bus":        busConfig,
		"registry":   map[string]any{"listen": ""},
		"processors": map[string]any{"dir": filepath.Join(dir, "state"), "instance": "killed"},
		"admin":      map[string]any{"listen": ""},
		"log":        map[string]any{"level": "warn", "format": "json"},
	}, dir, "yiyuan.yaml")
	cat := e2e.SampleCatalogue(t)
	random := rand.New(rand.NewPCG(20261122, uint64(len(prefix))))
	var stood []int64
	lives := int64(3)
	if e2e.Long() {
		lives = 6
	}
	for life := range lives {
		p := e2e.Launch(t, "run", "--config", file)
		b := e2e.Connect(t, p, brokers, prefix)
		until := want.total * (life + random.Int64N(2)) / (lives + 1)
		if life%3 == 2 { // while it takes up its work
			wait := time.NewTimer(time.Duration(random.Int64N(int64(700 * time.Millisecond))))
			select {
			case <-wait.C:
			case <-p.Done:
			}
		} else {
			e2e.Await(t, fmt.Sprintf("life %d", life), func() string {
				p.Alive()
				if at := progress(t.Context(), t, b, cat); at < until {
					return fmt.Sprintf("at %d of %d", at, until)
				}
				return ""
			})
		}
		stood = append(stood, progress(t.Context(), t, b, cat))
		p.Kill()
		b.Close()
	}
	p := e2e.Launch(t, "run", "--config", file)
	e2e.Connect(t, p, brokers, prefix).Close()
	want.reached(t, brokers, prefix, busConfig["embedded"] != nil)
	p.Stop()
	t.Logf("killed at %d of %d records", stood, want.total)
}

// reached waits until the city has done all and holds what it came to against the
// oracle's answer and against what an undisturbed run published.
func (want *stream) reached(t *testing.T, brokers []string, prefix string, compacted bool) {
	t.Helper()
	want.reachedUnder(t, e2e.Keys(t), brokers, prefix, compacted)
}

// reachedUnder is reached where tokens are made with a key ring of its own.
func (want *stream) reachedUnder(t *testing.T, keys *keyring.Keyring, brokers []string, prefix string, compacted bool) {
	t.Helper()
	j := e2e.VisitUnder(t, keys, e2e.SampleCatalogue(t), brokers, prefix, killSeed, want.base)
	j.Compacted = compacted // the embedded broker compacts when it starts
	e2e.Await(t, "sources", func() string { return cmp.Diff(want.positions, positions(j.Ctx, t, j)) })
	for range 2 { // what a step says when it wakes is the next one's input
		e2e.Drain(j.Ctx, t, j)
		e2e.Await(t, "wake-ups", func() string {
			for _, step := range j.Steps {
				n, err := e2e.Waking(j.Ctx, j, step.Name, func(_ []byte, at time.Time) bool { return at.Before(time.Now().Add(time.Hour)) })
				if n > 0 || err != nil {
					return fmt.Sprintf("%s: %d, %v", step.Name, n, err)
				}
			}
			return ""
		})
	}
	e2e.Await(t, "tokens", func() string { return underOthers(j.Ctx, t, j) })
	truth := e2e.ReadTruth(t, j.Options())
	truth.Quarantine = slices.Compact(slices.Sorted(slices.Values(append(truth.Quarantine, want.quarantine...))))
	got := e2e.Observe(j)
	got.Equal(j, truth.Expect(t, j.Keys, "after"), truth)
	if diff := cmp.Diff(want.records, published(j.Ctx, t, j)); diff != "" {
		t.Errorf("published otherwise than undisturbed (-undisturbed +disturbed):\n%s", e2e.Clipped(diff))
	}
}

// bindCity binds the thirteen departments' sources by YAML files and returns their folder.
func bindCity(t testing.TB, dir string, base time.Time) string {
	t.Helper()
	cat := e2e.SampleCatalogue(t)
	folder := filepath.Join(dir, "sources")
	for _, department := range synthetic.Departments() {
		name := strings.ToLower(department) + "-live"
		var datasets []string
		for _, d := range cat.Datasets {
			if d.Provider.ID == department {
				datasets = append(datasets, d.ID)
			}
		}
		e2e.Write(t, map[string]any{
			"source": name, "kind": "synthetic", "datasets": datasets,
			"options": map[string]any{"seed": killSeed, "size": world.Tiny, "base": base.Format(time.DateOnly), "batch": 100, "correct": true, "end": true},
		}, folder, name+".yaml")
	}
	return folder
}

// progress counts the records of the journey so far, markers included. Topics
// that are not there yet hold none.
func progress(ctx context.Context, t testing.TB, b *bus.Bus, cat *schemas.Catalogue) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var topics []contract.Topic
	for _, d := range cat.Datasets {
		topics = append(topics, contract.Raw(d.ID))
	}
	for _, e := range cat.Entities {
		topics = append(topics, contract.Claims(e.ID))
	}
	ends, err := b.EndOffsets(ctx, topics...)
	if err != nil {
		return 0
	}
	n := int64(0)
	for _, partitions := range ends {
		for _, end := range partitions {
			n += end
		}
	}
	return n
}

// published is what the sources put into raw.*: by topic and partition, each
// record's key, operation, position and content, in order. In which epoch a source
// began depends on how often it was started before its first row; it must be one.
func published(ctx context.Context, t testing.TB, j *e2e.Journey) map[string][]string {
	t.Helper()
	out, epochs := map[string][]string{}, map[string]uint64{}
	for _, d := range j.Cat.Datasets {
		err := j.Bus.Replay(ctx, contract.Raw(d.ID), func(r bus.Record) error {
			if r.Header(poisonHeader) != nil {
				return nil // a test's, no source's
			}
			content := ""
			if len(r.Value) > 5 {
				content = hex.EncodeToString(r.Value[5:]) // the schema's number differs from registry to registry
			}
			source, sequence, ok := contract.ParsePos(r.Header(contract.Pos))
			if !ok {
				t.Errorf("position %q of a record of %s cannot be read", r.Header(contract.Pos), r.Topic)
			}
			if began, met := epochs[string(source)]; met && began != sequence.Epoch {
				t.Errorf("source %s went on in epoch %d after %d", source, sequence.Epoch, began)
			}
			epochs[string(source)] = sequence.Epoch
			sequence.Epoch = 0
			name := fmt.Sprintf("%s/%d", r.Topic, r.Partition)
			out[name] = append(out[name], strings.Join([]string{string(r.Key), string(r.Header("op")), string(source) + "@" + sequence.String(), content}, " "))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// underOthers says which shared topics hold records under tokens of another key than
// the current one.
func underOthers(ctx context.Context, t testing.TB, j *e2e.Journey) string {
	t.Helper()
	var views []*schemas.View
	for _, d := range j.Cat.Datasets {
		views = append(views, d.Views...)
	}
	for _, e := range j.Cat.Entities {
		views = append(views, e.Views...)
	}
	var left []string
	for _, v := range views {
		there := map[string]bool{}
		err := j.Bus.Replay(ctx, contract.Shared(v.ID), func(r bus.Record) error {
			there[string(r.Key)] = r.Value != nil
			return nil
		})
		if err != nil {
			return err.Error()
		}
		n := 0
		for key, live := range there {
			if live && v.KeyMask && !strings.HasPrefix(key, fmt.Sprintf("t%d.", j.Keys.Current())) {
				n++
			}
		}
		if n > 0 {
			left = append(left, fmt.Sprintf("%s: %d", v.ID, n))
		}
	}
	return strings.Join(left, ", ")
}

// positions tells how far each source has been read.
func positions(ctx context.Context, t testing.TB, j *e2e.Journey) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, s := range e2e.Statuses(ctx, t, j) {
		out[name] = s.Position
	}
	return out
}
