package fault

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// disturbed is a city whose roles run as processes of their own on a cluster,
// for a test to disturb.
type disturbed struct {
	*testing.T
	dir, prefix string
	brokers     []string
	kafka       map[string]any // more of the section bus
	sources     string
	states      string        // folder of the processors' states
	keys        func() string // writes the key file of whom is configured next
	want        *stream
	bus         *bus.Bus // the test's own view
	cat         *schemas.Catalogue
}

// disturb binds the city on a cluster. Timeouts are the shortest that Kafka's
// defaults let a group have.
func disturb(t *testing.T, want *stream, brokers []string, more map[string]any) *disturbed {
	t.Helper()
	cat := e2e.SampleCatalogue(t)
	dir := t.TempDir()
	d := &disturbed{T: t, dir: dir, states: dir, prefix: e2e.UniquePrefix(), brokers: brokers, want: want, cat: cat, sources: bindCity(t, dir, want.base)}
	d.keys = func() string { return e2e.KeyFile(t, dir) }
	d.kafka = map[string]any{"brokers": brokers, "prefix": d.prefix, "transaction_timeout": "3s", "session_timeout": "6s"}
	for k, v := range more {
		d.kafka[k] = v
	}
	return d
}

// launch starts a role under a name, which is also where it keeps its state.
func (d *disturbed) launch(role, name string) *e2e.Process {
	d.Helper()
	p := e2e.Launch(d, "run", "--role", role, "--config", d.configure(name, nil))
	d.attach(p)
	return p
}

// attach connects the test itself once a process has made the topics.
func (d *disturbed) attach(p *e2e.Process) {
	d.Helper()
	if d.bus == nil {
		d.bus = e2e.Connect(d, p, d.brokers, d.prefix)
		d.Cleanup(d.bus.Close)
	}
}

// configure writes the configuration of a process, with more sections than all
// have.
func (d *disturbed) configure(name string, more map[string]any) string {
	d.Helper()
	sections := map[string]any{
		"sources":    d.sources,
		"keys":       map[string]any{"file": d.keys()},
		"bus":        d.kafka,
		"registry":   map[string]any{"listen": ""},
		"processors": map[string]any{"dir": filepath.Join(d.states, "state-"+name), "instance": name},
		"admin":      map[string]any{"listen": ""},
		"log":        map[string]any{"level": "warn", "format": "json"},
	}
	maps.Copy(sections, more)
	return e2e.Write(d, sections, d.dir, name+".yaml")
}

// at waits until the journey has come so far, in hundredths of an undisturbed one.
func (d *disturbed) at(percent int64, alive ...*e2e.Process) {
	d.Helper()
	d.until(d.want.total*percent/100, alive...)
}

// until waits until the journey has so many records.
func (d *disturbed) until(records int64, alive ...*e2e.Process) {
	d.Helper()
	e2e.Await(d, "journey", func() string {
		for _, p := range alive {
			p.Alive()
		}
		if at := progress(d.Context(), d, d.bus, d.cat); at < records {
			return fmt.Sprintf("at %d of %d", at, records)
		}
		return ""
	})
}

// members waits until so many workers at least share route.
func (d *disturbed) members(n int, p *e2e.Process) {
	d.Helper()
	e2e.Await(d, fmt.Sprintf("%d workers of route", n), func() string {
		p.Alive()
		groups, err := d.bus.Groups(d.Context(), "route")
		if err != nil || groups["route"].Members < n {
			return fmt.Sprintf("%v, %v", groups, err)
		}
		return ""
	})
}

// TestFaultCity disturbs the city's processes under load, and holds each time
// what it came to against the oracle and the undisturbed run.
func TestFaultCity(t *testing.T) {
	brokers := strings.Split(e2e.Service(t, "YIYUAN_TEST_KAFKA"), ",")
	want := undisturbed(t, 4)
	for _, d := range []struct {
		name    string
		disturb func(t *testing.T, want *stream, brokers []string)
	}{
		{"roles killed", rolesKilled},
		{"processor stopped", processorStopped},
		{"keys rotated", keysRotated},
		{"poison", poisoned},
		{"disk full", diskFull},
		{"drop folder full", dropFull},
		{"squeezed", squeezed},
	} {
		t.Run(d.name, func(t *testing.T) {
			e2e.InTurn(t)
			t.Parallel()
			d.disturb(t, want, brokers)
		})
	}
}

// rolesKilled kills connectors and processors, each a process of its own, with
// -9 at random.
func rolesKilled(t *testing.T, want *stream, brokers []string) {
	t.Helper()
	d := disturb(t, want, brokers, nil)
	roles := map[string]string{"c": e2e.ConnectorsRole, "p1": e2e.ProcessorsRole, "p2": e2e.ProcessorsRole}
	names := []string{"c", "p1", "p2"}
	running := map[string]*e2e.Process{}
	for _, n := range names {
		running[n] = d.launch(roles[n], n)
	}
	random := rand.New(rand.NewPCG(20261125, 4))
	n := kills(5)
	var story []string
	for i := range n {
		d.at(90*int64(i+1)/int64(n+1), slices.Collect(maps.Values(running))...)
		name := names[random.IntN(len(names))]
		if i < len(names) {
			name = names[i] // each at least once
		}
		running[name].Kill()
		story = append(story, fmt.Sprintf("%s at %d", name, progress(t.Context(), t, d.bus, d.cat)))
		running[name] = d.launch(roles[name], name)
	}
	d.want.reached(t, brokers, d.prefix, false)
	for _, p := range running {
		p.Stop()
	}
	t.Logf("killed %v of %d records", story, d.want.total)
}

// keysRotated adds a key to all processes and puts it to use, one process after the
// other and with -9, while they work: in the end the oracle's people stand under its
// tokens, and nobody under one of the old key.
func keysRotated(t *testing.T, want *stream, brokers []string) {
	t.Helper()
	d := disturb(t, want, brokers, nil)
	roles := map[string]string{"c": e2e.ConnectorsRole, "p1": e2e.ProcessorsRole, "p2": e2e.ProcessorsRole}
	running := map[string]*e2e.Process{}
	for name, role := range roles {
		running[name] = d.launch(role, name)
	}
	alive := func() []*e2e.Process { return slices.Collect(maps.Values(running)) }
	d.at(20, alive()...)
	d.keys = func() string { return e2e.RingFile(t, d.dir, 1, e2e.Key, e2e.NextKey) }
	for _, name := range []string{"p1", "c", "p2"} {
		running[name].Stop()
		running[name] = d.launch(roles[name], name)
	}
	d.keys = func() string { return e2e.RingFile(t, d.dir, 2, e2e.Key, e2e.NextKey) }
	for i, name := range []string{"p1", "c", "p2"} {
		d.at(50+10*int64(i), alive()...)
		running[name].Kill()
		running[name] = d.launch(roles[name], name)
	}
	ring, err := keyring.New(keyring.Intl, map[int][]byte{1: e2e.Key, 2: e2e.NextKey}, 2)
	if err != nil {
		t.Fatal(err)
	}
	want.reachedUnder(t, ring, brokers, d.prefix, false)
	for _, p := range running {
		p.Stop()
	}
}

// processorStopped holds a processor for longer than its session while
// another one takes over, and lets it go on in the belief that nothing happened.
func processorStopped(t *testing.T, want *stream, brokers []string) {
	t.Helper()
	d := disturb(t, want, brokers, nil)
	c, sleeper := d.launch(e2e.ConnectorsRole, "c"), d.launch(e2e.ProcessorsRole, "sleeper")
	d.members(2, sleeper) // it works, and is not still starting
	d.at(30, c, sleeper)
	sleeper.Hold()
	began := time.Now()
	heir := d.launch(e2e.ProcessorsRole, "heir")
	d.want.reached(t, brokers, d.prefix, false) // all of it, while the sleeper holds still
	took := time.Since(began).Round(time.Millisecond)
	sleeper.Resume()
	d.members(3, sleeper) // two workers each, or the sleeper is not back
	d.want.reached(t, brokers, d.prefix, false)
	for _, p := range []*e2e.Process{c, sleeper, heir} {
		p.Stop()
	}
	t.Logf("the heir had done all %v after the sleeper fell asleep", took)
}
