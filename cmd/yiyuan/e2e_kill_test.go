package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
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
	inTurn(t)
	want := undisturbed(t, 4)
	t.Run("embedded", func(t *testing.T) {
		dir, address := t.TempDir(), freePort(t)
		killed(t, want, dir, []string{address}, map[string]any{
			"embedded": map[string]any{"listen": address, "data": filepath.Join(dir, "broker")},
		}, "")
	})
	t.Run("kafka", func(t *testing.T) {
		brokers, prefix := strings.Split(service(t, "YIYUAN_TEST_KAFKA"), ","), uniquePrefix()
		killed(t, want, t.TempDir(), brokers, map[string]any{"brokers": brokers, "prefix": prefix}, prefix)
	})
}

// stream is what the sources said in a run.
type stream struct {
	base      time.Time
	spread    func(*config)       // over partitions
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
		spread := func(c *config) { c.Bus.Partitions = partitions }
		j := begin(t, killSeed, spread)
		j.base = time.Now().In(schemas.Zone)
		j.feed(true)
		drain(j.ctx, t, j.app)
		calm.runs[partitions] = &stream{
			base: j.base, spread: spread, records: published(j.ctx, t, j.app), positions: positions(j.ctx, t, j.app),
			total: progress(j.ctx, t, j.app.bus, j.app.cat),
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

const lives = 5

// killed runs the city as a process that is killed on the way.
func killed(t *testing.T, want *stream, dir string, brokers []string, busConfig map[string]any, prefix string) {
	t.Helper()
	file := write(t, map[string]any{
		"roles":      []string{roleConnectors, roleProcessors},
		"sources":    bindCity(t, dir, want.base),
		"keys":       map[string]any{"file": keyFile(t, dir)},
		"bus":        busConfig,
		"registry":   map[string]any{"listen": ""},
		"processors": map[string]any{"dir": filepath.Join(dir, "state"), "instance": "killed"},
		"admin":      map[string]any{"listen": ""},
		"log":        map[string]any{"level": "warn", "format": "json"},
	}, dir, "yiyuan.yaml")
	cat, err := loadCatalogue("")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(20261122, uint64(len(prefix))))
	var stood []int64
	for life := range lives {
		p := launch(t, "run", "--config", file)
		b := connect(t, p, brokers, prefix)
		until := want.total * (int64(life) + random.Int64N(2)) / (lives + 1)
		if life%3 == 2 { // while it takes up its work
			wait := time.NewTimer(time.Duration(random.Int64N(int64(700 * time.Millisecond))))
			select {
			case <-wait.C:
			case <-p.done:
			}
		} else {
			await(t, fmt.Sprintf("life %d", life), 3*time.Minute, func() string {
				p.alive()
				if at := progress(t.Context(), t, b, cat); at < until {
					return fmt.Sprintf("at %d of %d", at, until)
				}
				return ""
			})
		}
		stood = append(stood, progress(t.Context(), t, b, cat))
		p.kill()
		b.Close()
	}
	p := launch(t, "run", "--config", file)
	connect(t, p, brokers, prefix).Close()
	want.reached(t, brokers, prefix, busConfig["embedded"] != nil)
	p.stop()
	t.Logf("killed at %d of %d records", stood, want.total)
}

// reached waits until the city has done all and holds what it came to against the
// oracle's answer and against what an undisturbed run published.
func (want *stream) reached(t *testing.T, brokers []string, prefix string, compacted bool) {
	t.Helper()
	want.reachedUnder(t, testKeys(t), brokers, prefix, compacted)
}

// reachedUnder is reached where tokens are made with a key ring of its own.
func (want *stream) reachedUnder(t *testing.T, keys *keyring.Keyring, brokers []string, prefix string, compacted bool) {
	t.Helper()
	j := visitUnder(t, keys, brokers, prefix, killSeed, want.base, want.spread)
	j.compacted = compacted // the embedded broker compacts when it starts
	await(t, "sources", 3*time.Minute, func() string { return cmp.Diff(want.positions, positions(j.ctx, t, j.app)) })
	for range 2 { // what a step says when it wakes is the next one's input
		drain(j.ctx, t, j.app)
		await(t, "wake-ups", time.Minute, func() string {
			for _, step := range j.app.steps {
				n, err := waking(j.ctx, j.app, step.Name, func(_ []byte, at time.Time) bool { return at.Before(time.Now().Add(time.Hour)) })
				if n > 0 || err != nil {
					return fmt.Sprintf("%s: %d, %v", step.Name, n, err)
				}
			}
			return ""
		})
	}
	await(t, "tokens", time.Minute, func() string { return underOthers(j.ctx, t, j.app) })
	truth := readTruth(t, j.options())
	truth.quarantine = slices.Compact(slices.Sorted(slices.Values(append(truth.quarantine, want.quarantine...))))
	got := observe(j)
	got.equal(j, truth.expect(t, j.app.keys, "after"), truth)
	if diff := cmp.Diff(want.records, published(j.ctx, t, j.app)); diff != "" {
		t.Errorf("published otherwise than undisturbed (-undisturbed +disturbed):\n%s", clipped(diff))
	}
}

// bindCity binds the thirteen departments' sources by YAML files and returns their folder.
func bindCity(t testing.TB, dir string, base time.Time) string {
	t.Helper()
	cat, err := loadCatalogue("")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "sources")
	for _, department := range synthetic.Departments() {
		name := strings.ToLower(department) + "-live"
		var datasets []string
		for _, d := range cat.Datasets {
			if d.Provider.ID == department {
				datasets = append(datasets, d.ID)
			}
		}
		write(t, map[string]any{
			"source": name, "kind": "synthetic", "datasets": datasets,
			"options": map[string]any{"seed": killSeed, "size": world.Tiny, "base": base.Format(time.DateOnly), "batch": 100, "correct": true, "end": true},
		}, folder, name+".yaml")
	}
	return folder
}

// connect waits until the process's broker answers.
func connect(t testing.TB, p *process, brokers []string, prefix string) *bus.Bus {
	t.Helper()
	var b *bus.Bus
	await(t, "broker", time.Minute, func() string {
		p.alive()
		var err error
		if b, err = bus.Open(bounded(t, 5*time.Second), bus.Config{Brokers: brokers, Prefix: prefix}, nil, prometheus.NewRegistry()); err != nil {
			return err.Error()
		}
		return ""
	})
	return b
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
func published(ctx context.Context, t testing.TB, a *app) map[string][]string {
	t.Helper()
	out, epochs := map[string][]string{}, map[string]uint64{}
	for _, d := range a.cat.Datasets {
		err := a.bus.Replay(ctx, contract.Raw(d.ID), func(r bus.Record) error {
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

// visit looks at a city that another process runs.
func visit(t testing.TB, brokers []string, prefix string, seed int64, base time.Time, change ...func(*config)) *journey {
	t.Helper()
	return visitUnder(t, testKeys(t), brokers, prefix, seed, base, change...)
}

func visitUnder(t testing.TB, keys *keyring.Keyring, brokers []string, prefix string, seed int64, base time.Time, change ...func(*config)) *journey {
	t.Helper()
	cfg := defaultConfig()
	cfg.Bus.Brokers, cfg.Bus.Prefix = brokers, prefix
	for _, c := range change {
		c(&cfg)
	}
	a, err := newApp(t.Context(), cfg, keys, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	return &journey{TB: t, app: a, base: base, seed: seed, ctx: t.Context()}
}

// underOthers says which shared topics hold records under tokens of another key than
// the current one.
func underOthers(ctx context.Context, t testing.TB, a *app) string {
	t.Helper()
	var views []*schemas.View
	for _, d := range a.cat.Datasets {
		views = append(views, d.Views...)
	}
	for _, e := range a.cat.Entities {
		views = append(views, e.Views...)
	}
	var left []string
	for _, v := range views {
		there := map[string]bool{}
		err := a.bus.Replay(ctx, contract.Shared(v.ID), func(r bus.Record) error {
			there[string(r.Key)] = r.Value != nil
			return nil
		})
		if err != nil {
			return err.Error()
		}
		n := 0
		for key, live := range there {
			if live && v.KeyMask && !strings.HasPrefix(key, fmt.Sprintf("t%d.", a.keys.Current())) {
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
func positions(ctx context.Context, t testing.TB, a *app) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, s := range statuses(ctx, t, a) {
		out[name] = s.Position
	}
	return out
}

// statuses is what each source last said of itself.
func statuses(ctx context.Context, t testing.TB, a *app) map[string]contract.SourceStatus {
	t.Helper()
	out := map[string]contract.SourceStatus{}
	err := a.bus.Replay(ctx, contract.Sources, func(r bus.Record) error {
		if r.Value == nil {
			delete(out, string(r.Key))
			return nil
		}
		var s contract.SourceStatus
		err := json.Unmarshal(r.Value, &s)
		out[string(r.Key)] = s
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
