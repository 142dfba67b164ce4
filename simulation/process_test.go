package simulation

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
)

// process is one process of the system and its disk. Whenever it ends it is
// started again, as a supervisor would.
type process struct {
	w    *world
	name string // connectors, processors, standby, gateway, follower
	kind string // conn, proc, gw: whose points it meets
	run  func(ctx context.Context, l *life) error
	disk *rand.Rand // what a crash leaves of it

	mu      sync.Mutex
	fs      *vfs.MemFS
	life    *life // nil between two lives
	lives   int
	stopped chan struct{}
	ended   chan struct{}
}

// life is a process from its start to its end.
type life struct {
	*process
	number  int
	line    *bustest.Line
	bus     *bus.Bus
	metrics *prometheus.Registry
	stop    context.CancelFunc
	dead    atomic.Bool
	version int // of the catalogue
	ring    int // which of its keys is current, from 0
}

// start starts a process.
func (w *world) start(name, kind string, run func(ctx context.Context, l *life) error) *process {
	p := &process{
		w: w, name: name, kind: kind, run: run, disk: w.stream(uint64(100 + len(w.processes))),
		fs: vfs.NewCrashableMem(), stopped: make(chan struct{}), ended: make(chan struct{}),
	}
	w.processes[name] = p
	go p.supervise(context.WithoutCancel(w.t.Context()))
	return p
}

func (p *process) supervise(ctx context.Context) {
	defer close(p.ended)
	for {
		err := p.live(ctx)
		select {
		case <-p.stopped:
			return
		default:
		}
		p.w.log.Info("process ended", "process", p.name, "error", err)
		pause := time.NewTimer(200 * time.Millisecond)
		select {
		case <-pause.C:
		case <-p.stopped:
			pause.Stop()
			return
		}
	}
}

// live is one life.
func (p *process) live(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	l := &life{process: p, stop: stop, metrics: prometheus.NewRegistry(), version: p.w.version(), ring: p.w.ring()}
	l.line = p.w.kafka.Line(l.judge)
	l.line.Each, l.line.Late, l.line.Cutting = l.judge, 700*time.Millisecond, l.kill
	p.mu.Lock()
	p.lives++
	l.number = p.lives
	p.life = l
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.life = nil
		p.mu.Unlock()
	}()
	select {
	case <-p.stopped:
		return nil
	default:
	}
	cfg := p.w.config()
	cfg.Dialer = l.line.Dial
	b, err := bus.Open(ctx, cfg, p.w.log, l.metrics)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := warm(ctx, b); err != nil {
		return err
	}
	l.bus = b
	p.w.history.put("start", event{"proc": p.name, "life": l.number})
	return p.run(ctx, l)
}

// now returns the present life, nil if there is none.
func (p *process) now() *life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life
}

// kill ends the present life at once.
func (p *process) kill() {
	if l := p.now(); l != nil {
		l.kill()
	}
}

// kill takes network and power from a life: what was not synced is on the disk
// or not, block by block.
func (l *life) kill() {
	if l.dead.Swap(true) {
		return
	}
	l.line.Cut()
	l.mu.Lock()
	l.fs = l.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: l.disk.IntN(101), RNG: l.disk})
	l.mu.Unlock()
	l.w.history.put("killed", event{"proc": l.name, "life": l.number})
	l.stop()
}

// end ends the process in good order and waits for it.
func (p *process) end() {
	close(p.stopped)
	if l := p.now(); l != nil {
		go l.line.Release() // it waits until the broker takes what was held
		l.stop()
	}
	<-p.ended
}

// wipe loses the disk. The process must be dead or die now.
func (p *process) wipe() {
	p.kill()
	p.mu.Lock()
	p.fs = vfs.NewCrashableMem()
	p.mu.Unlock()
}

// flip kills the process and changes a bit of what it keeps of its state; false
// if it keeps nothing yet.
func (p *process) flip(r *rand.Rand) bool {
	p.kill()
	p.mu.Lock()
	defer p.mu.Unlock()
	names, err := p.fs.List(stateDir)
	if err != nil {
		return false
	}
	slices.Sort(names)
	names = slices.DeleteFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, "MANIFEST") && !strings.HasSuffix(name, ".sst") && !strings.HasSuffix(name, ".log")
	})
	for len(names) > 0 {
		i := r.IntN(len(names))
		flipped, err := flipBit(p.fs, p.fs.PathJoin(stateDir, names[i]), r)
		if err != nil {
			p.w.t.Error(err)
		}
		if flipped {
			return true
		}
		names = slices.Delete(names, i, i+1)
	}
	return false
}

func flipBit(fs vfs.FS, path string, r *rand.Rand) (flipped bool, err error) {
	info, err := fs.Stat(path)
	if err != nil || info.Size() == 0 {
		return false, err
	}
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Sync(), f.Close()) }()
	at := r.Int64N(info.Size())
	var one [1]byte
	if _, err := f.ReadAt(one[:], at); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	one[0] ^= 1 << r.IntN(8)
	_, err = f.WriteAt(one[:], at)
	return true, err
}

// filesystem is the process's disk with the faults that are on.
func (l *life) filesystem() vfs.FS {
	l.mu.Lock()
	fs := l.fs
	l.mu.Unlock()
	return errorfs.Wrap(fs, errorfs.InjectorFunc(l.w.diskError(l.process)))
}

// judge is asked by the line about every request.
func (l *life) judge(key int16) bustest.Fault {
	return l.w.armed.request(l, key)
}

var errNoMore = errors.New("listener is closed")

// deaf is a listener to whom nobody ever comes: the gateway is asked through its
// handler.
type deaf struct {
	closed chan struct{}
	once   sync.Once
}

func newDeaf() *deaf { return &deaf{closed: make(chan struct{})} }

// Accept implements net.Listener.
func (d *deaf) Accept() (net.Conn, error) {
	<-d.closed
	return nil, errNoMore
}

// Close implements net.Listener.
func (d *deaf) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}

// Addr implements net.Listener.
func (d *deaf) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
