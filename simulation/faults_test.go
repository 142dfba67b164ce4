package simulation

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/bus/bustest"
)

// fault is one thing that can go wrong, by name. begin makes it happen, or sets
// a trap for it; r is its own.
type fault struct {
	name  string
	begin func(w *world, r *rand.Rand, name string)
}

// Requests of Kafka's protocol at which processes die.
const (
	produce    = int16(kmsg.Produce)
	fetch      = int16(kmsg.Fetch)
	listEnds   = int16(kmsg.ListOffsets)
	join       = int16(kmsg.JoinGroup)
	syncGroup  = int16(kmsg.SyncGroup)
	initID     = int16(kmsg.InitProducerID)
	commitTxn  = int16(kmsg.TxnOffsetCommit)
	endTxn     = int16(kmsg.EndTxn)
	fetchGroup = int16(kmsg.OffsetFetch)
)

// dies kills a process of a kind around its nth request of a key: lost with it,
// before the reply has come, or after.
func dies(kind string, key int16, how bustest.Fault, skip int) func(*world, *rand.Rand, string) {
	return func(w *world, r *rand.Rand, name string) {
		w.armed.set(trap{name: name, kind: kind, key: key, fault: how, kill: how == bustest.RequestLost, skip: r.IntN(skip)})
	}
}

// suffers makes requests of a key go wrong without killing who sends them.
func suffers(kind string, key int16, how bustest.Fault) func(*world, *rand.Rand, string) {
	return func(w *world, r *rand.Rand, name string) {
		w.armed.set(trap{name: name, kind: kind, key: key, fault: how, skip: r.IntN(4), times: 1 + r.IntN(3)})
	}
}

// reaches makes something happen at a point of the code's seams.
func reaches(kind, point string, skip, times int) func(*world, *rand.Rand, string) {
	return func(w *world, r *rand.Rand, name string) {
		w.armed.set(trap{name: name, kind: kind, key: noRequest, point: point, skip: r.IntN(skip), times: 1 + r.IntN(times)})
	}
}

func crashes(process string) func(*world, *rand.Rand, string) {
	return func(w *world, _ *rand.Rand, name string) {
		w.history.fire(name)
		w.processes[process].kill()
	}
}

// pauses cuts a process off for longer than it is waited for, and lets it go on.
func pauses(process string) func(*world, *rand.Rand, string) {
	return func(w *world, r *rand.Rand, name string) {
		l := w.processes[process].now()
		if l == nil {
			return
		}
		w.history.fire(name)
		l.line.Hold()
		time.AfterFunc(time.Duration(500+r.IntN(5000))*time.Millisecond, l.line.Release)
	}
}

// mayFail spares the request for a producer id outside of transactions: the client
// tries it again under a lock that others wait for, and in a bubble the clock
// stands still for as long as anybody waits for a lock.
func mayFail(r kmsg.Request) bool {
	id, ok := r.(*kmsg.InitProducerIDRequest)
	return !ok || id.TransactionalID != nil
}

// refuses makes the brokers answer requests of a key with an error.
func refuses(key kmsg.Key, err *kerr.Error) func(*world, *rand.Rand, string) {
	return func(w *world, r *rand.Rand, name string) {
		w.history.fire(name)
		w.refusals = append(w.refusals, w.kafka.Broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: err, Count: 1 + r.IntN(3), When: mayFail}))
	}
}

// faults are all that can go wrong.
var faults = []fault{
	{"conn.crash", crashes("connectors")},
	{"conn.read", reaches("conn", "conn.read", 8, 1)},
	{"conn.confirm", reaches("conn", "conn.confirm", 8, 1)},
	{"conn.init.died", restarting("connectors", dies("conn", initID, bustest.CutBefore, 2))},
	{"conn.produce.died", dies("conn", produce, bustest.CutAfter, 10)},
	{"conn.end.before", dies("conn", endTxn, bustest.RequestLost, 10)},
	{"conn.end.sent", dies("conn", endTxn, bustest.CutBefore, 10)},
	{"conn.end.acked", dies("conn", endTxn, bustest.CutAfter, 10)},
	{"conn.end.lost", suffers("conn", endTxn, bustest.RequestLost)},
	{"conn.end.reply.lost", suffers("conn", endTxn, bustest.ReplyLost)},
	{"conn.end.reply.reset", suffers("conn", endTxn, bustest.ReplyReset)},
	{"conn.end.reply.unknown", suffers("conn", endTxn, bustest.ReplyUnknown)},
	{"conn.end.reply.late", suffers("conn", endTxn, bustest.ReplyLate)},
	{"conn.produce.reply.lost", suffers("conn", produce, bustest.ReplyLost)},
	{"conn.produce.reply.reset", suffers("conn", produce, bustest.ReplyReset)},
	{"conn.zombie", pauses("connectors")},

	{"proc.crash", crashes("processors")},
	{"proc.wiped", func(w *world, _ *rand.Rand, name string) {
		w.history.fire(name)
		w.processes["processors"].wipe()
	}},
	{"proc.polled", dies("proc", fetch, bustest.CutAfter, 40)},
	{"proc.produced", dies("proc", produce, bustest.CutAfter, 10)},
	{"proc.offsets", dies("proc", commitTxn, bustest.CutBefore, 8)},
	{"proc.end.before", dies("proc", endTxn, bustest.RequestLost, 12)},
	{"proc.end.sent", dies("proc", endTxn, bustest.CutBefore, 12)},
	{"proc.end.acked", dies("proc", endTxn, bustest.CutAfter, 12)},
	{"proc.end.lost", suffers("proc", endTxn, bustest.RequestLost)},
	{"proc.end.reply.lost", suffers("proc", endTxn, bustest.ReplyLost)},
	{"proc.end.reply.reset", suffers("proc", endTxn, bustest.ReplyReset)},
	{"proc.end.reply.unknown", suffers("proc", endTxn, bustest.ReplyUnknown)},
	{"proc.end.reply.late", suffers("proc", endTxn, bustest.ReplyLate)},
	{"proc.offsets.reply.lost", suffers("proc", commitTxn, bustest.ReplyLost)},
	{"proc.produce.reply.lost", suffers("proc", produce, bustest.ReplyLost)},
	{"proc.produce.reply.reset", suffers("proc", produce, bustest.ReplyReset)},
	{"proc.join.died", restarting("processors", dies("proc", join, bustest.CutAfter, 2))},
	{"proc.sync.died", restarting("processors", dies("proc", syncGroup, bustest.CutBefore, 2))},
	{"proc.takeover.died", restarting("processors", dies("proc", fetchGroup, bustest.CutAfter, 2))},
	{"proc.restore.died", restarting("processors", dies("proc", listEnds, bustest.CutAfter, 4))},
	{"proc.stage", reaches("proc", "proc.stage", 10, 1)},
	{"proc.renew", func(w *world, r *rand.Rand, name string) { // dies while it moves people to their new tokens
		reaches("proc", "proc.renew", 6, 2)(w, r, name)
		w.turn()
		w.processes["processors"].kill()
	}},
	{"proc.wake", reaches("proc", "proc.wake", 2, 1)},
	{"proc.zombie", pauses("processors")},
	{"proc.standby", second("standby", "proc", (*world).runProcessors)},
	{"proc.disk.lost.read", diskFault(func(w *world, on bool) { w.diskBad.Store(on) })},
	{"proc.disk.flipped", func(w *world, r *rand.Rand, name string) {
		if w.processes["processors"].flip(r) {
			w.flipped.Store(true)
			w.history.fire(name)
		}
	}},
	{"proc.disk.full", diskFault(func(w *world, on bool) { w.diskFull.Store(on) })},

	{"gw.crash", crashes("gateway")},
	{"gw.zombie", pauses("gateway")},
	{"gw.second", second("follower", "gw", (*world).runGateway)},
	{"gw.audit.before", reaches("gw", "gw.audit.before", 6, 1)},
	{"gw.audit.after", reaches("gw", "gw.audit.after", 6, 1)},
	{"gw.audit.away", reaches("gw", "gw.audit.away", 6, 3)},
	{"gw.audit.lost", suffers("gw", produce, bustest.RequestLost)},
	{"gw.audit.reply.lost", suffers("gw", produce, bustest.ReplyLost)},
	{"gw.audit.reply.reset", suffers("gw", produce, bustest.ReplyReset)},
	{"gw.body", reaches("gw", "gw.body", 8, 1)},
	{"sink.before", reaches("gw", "sink.before", 12, 1)},
	{"sink.sent", reaches("gw", "sink.sent", 12, 1)},
	{"sink.done", reaches("gw", "sink.done", 12, 1)},
	{"sink.lost", reaches("gw", "sink.lost", 12, 2)},
	{"sink.slow", reaches("gw", "sink.slow", 2, 12)},
	{"sink.again", reaches("gw", "sink.again", 8, 6)},
	{"cache.shift", reaches("gw", "cache.shift", 6, 2)},
	{"cache.silent", reaches("gw", "cache.silent", 6, 2)},
	{"cache.slow", reaches("gw", "cache.slow", 6, 6)},
	{"cache.cut", func(w *world, _ *rand.Rand, name string) { w.history.fire(name); w.cache.cut() }},
	{"cache.flush", func(w *world, _ *rand.Rand, name string) { w.history.fire(name); w.cache.mini.FlushAll() }},
	{"cache.refill", func(w *world, _ *rand.Rand, name string) { // emptied, and filled again so slowly that one can watch
		w.history.fire(name)
		w.armed.set(trap{name: "sink.slow", kind: "gw", key: noRequest, point: "sink.slow", times: 12})
		w.cache.mini.FlushAll()
	}},
	{"cache.restore", func(w *world, r *rand.Rand, name string) {
		w.cache.snapshot()
		time.AfterFunc(time.Duration(300+r.IntN(2000))*time.Millisecond, func() {
			w.history.fire(name)
			w.cache.restore()
		})
	}},

	{"all.crash", func(w *world, _ *rand.Rand, name string) {
		w.history.fire(name)
		for _, p := range []string{"connectors", "processors", "gateway"} {
			w.processes[p].kill()
		}
	}},
	{"broker.rehash", func(w *world, _ *rand.Rand, name string) {
		w.history.fire(name)
		w.kafka.Broker.Cluster().RehashCoordinators()
	}},
	{"broker.shuffle", func(w *world, _ *rand.Rand, name string) {
		w.history.fire(name)
		w.kafka.Broker.Cluster().ShufflePartitionLeaders()
	}},
	{"broker.end.coordinator.moved", refuses(kmsg.EndTxn, kerr.NotCoordinator)},
	{"broker.end.coordinator.loads", refuses(kmsg.EndTxn, kerr.CoordinatorLoadInProgress)},
	{"broker.end.concurrent", refuses(kmsg.EndTxn, kerr.ConcurrentTransactions)},
	{"broker.end.unknown", refuses(kmsg.EndTxn, kerr.UnknownServerError)},
	{"broker.end.fenced", refuses(kmsg.EndTxn, kerr.InvalidProducerEpoch)},
	{"broker.offsets.coordinator.moved", refuses(kmsg.TxnOffsetCommit, kerr.NotCoordinator)},
	{"broker.offsets.illegal", refuses(kmsg.TxnOffsetCommit, kerr.IllegalGeneration)},
	{"broker.offsets.fenced", refuses(kmsg.TxnOffsetCommit, kerr.FencedInstanceID)},
	{"broker.init.concurrent", refuses(kmsg.InitProducerID, kerr.ConcurrentTransactions)},
	{"broker.produce.leader.moved", refuses(kmsg.Produce, kerr.NotLeaderForPartition)},
	{"broker.produce.fenced", refuses(kmsg.Produce, kerr.InvalidProducerEpoch)},
	{"broker.fetch.leader.moved", refuses(kmsg.Fetch, kerr.NotLeaderForPartition)},
	{"broker.heartbeat.rebalance", refuses(kmsg.Heartbeat, kerr.RebalanceInProgress)},
	{"broker.heartbeat.unknown", refuses(kmsg.Heartbeat, kerr.UnknownMemberID)},
	{"broker.join.loads", refuses(kmsg.JoinGroup, kerr.CoordinatorLoadInProgress)},
	{"broker.offsets.unstable", refuses(kmsg.OffsetFetch, kerr.UnstableOffsetCommit)},

	{"clock.ahead", func(w *world, r *rand.Rand, name string) { w.step(name, time.Duration(r.IntN(600))*time.Second) }},
	{"clock.day", func(w *world, _ *rand.Rand, name string) { w.step(name, 25*time.Hour) }},
	{"clock.back", func(w *world, r *rand.Rand, name string) { w.step(name, -time.Duration(r.IntN(600))*time.Second) }},
	{"access.revoked", func(w *world, _ *rand.Rand, name string) {
		w.history.fire(name)
		if err := w.access.Replace(w.applications(false)); err != nil {
			w.t.Error(err)
		}
		w.history.put("revoke", event{"app": "clerk"})
	}},
}

// restarting kills a process first, because the trap is in its start.
func restarting(process string, then func(*world, *rand.Rand, string)) func(*world, *rand.Rand, string) {
	return func(w *world, r *rand.Rand, name string) {
		then(w, r, name)
		w.processes[process].kill()
	}
}

// second is another process of a kind that joins, takes its share, and stays or
// dies.
func second(process, kind string, what func(w *world, ctx context.Context, l *life) error) func(*world, *rand.Rand, string) {
	return func(w *world, r *rand.Rand, name string) {
		if w.processes[process] != nil {
			return
		}
		w.history.fire(name)
		p := w.start(process, kind, func(ctx context.Context, l *life) error { return what(w, ctx, l) })
		if r.IntN(2) == 0 {
			time.AfterFunc(time.Duration(500+r.IntN(3000))*time.Millisecond, p.kill)
		}
	}
}

// diskFault makes the disk fail for a while, with a restart in it.
func diskFault(set func(w *world, on bool)) func(*world, *rand.Rand, string) {
	return func(w *world, r *rand.Rand, name string) {
		w.history.fire(name)
		set(w, true)
		time.AfterFunc(time.Duration(200+r.IntN(1500))*time.Millisecond, func() { set(w, false) })
		w.processes["processors"].kill()
	}
}

// step steps the clock of steps and gateway.
func (w *world) step(name string, by time.Duration) {
	w.history.fire(name)
	now := w.skew.Add(int64(by))
	w.furthest = max(w.furthest, now)
}

// trouble is the seed's faults and when they begin: none in one run of ten, then
// up to six.
func (w *world) trouble(v *voice, r *rand.Rand, span time.Duration) []moment {
	var out []moment
	begin := func(f fault) {
		own := rand.New(rand.NewPCG(r.Uint64(), 1))
		out = append(out, moment{time.Duration(r.Int64N(int64(span))), func() { f.begin(w, own, f.name) }})
	}
	if w.mutant.name != "" || len(w.mutant.faults) > 0 {
		for _, name := range w.mutant.faults {
			switch {
			case name == "data.poison":
				out = append(out, moment{span / 2, v.poison})
			case name == "gw.pressed": // by itself, see press
			case name == "source.lost":
				begin(faultNamed("source.restored"))
			case name == "catalogue.change":
				out = append(out, w.change(v, r, span)...)
			case name == "keys.rotate":
				out = append(out, w.rotate(r, span)...)
			case !strings.HasPrefix(name, "data."): // the departments' words have the others by themselves
				begin(faultNamed(name))
			}
		}
		return out
	}
	out = append(out, w.sourceTrouble(w.stream(8), span)...)
	if r.IntN(10) == 0 {
		return out
	}
	for range 1 + r.IntN(6) {
		begin(faults[r.IntN(len(faults))])
	}
	for range r.IntN(3) {
		out = append(out, moment{time.Duration(r.Int64N(int64(span))), v.poison})
	}
	if r.IntN(6) == 0 {
		out = append(out, w.change(v, r, span)...)
	}
	if r.IntN(6) == 0 {
		out = append(out, w.rotate(r, span)...)
		if r.IntN(3) == 0 {
			out = append(out, w.rotate(r, span)...)
		}
	}
	return out
}

// sourceTrouble is what happens to departments' systems: nothing in two runs of three.
func (w *world) sourceTrouble(r *rand.Rand, span time.Duration) []moment {
	var out []moment
	if r.IntN(3) == 0 {
		for range 1 + r.IntN(2) {
			f, own := sourceFaults[r.IntN(len(sourceFaults))], rand.New(rand.NewPCG(r.Uint64(), 1))
			out = append(out, moment{time.Duration(r.Int64N(int64(span))), func() { f.begin(w, own, f.name) }})
		}
	}
	return out
}

func faultNamed(name string) fault {
	for _, f := range slices.Concat(faults, sourceFaults) {
		if f.name == name {
			return f
		}
	}
	panic("no fault " + name)
}

// change puts another catalogue into force: each process takes it when it starts
// again, one after the other.
func (w *world) change(v *voice, r *rand.Rand, span time.Duration) []moment {
	v.same = false
	at := time.Duration(r.Int64N(int64(span)))
	out := []moment{{at, func() {
		w.history.fire("catalogue.change")
		w.catalogue.Store(1)
		w.history.put("catalogue", event{"v": 1})
	}}}
	for _, name := range []string{"connectors", "processors", "gateway"} {
		at += time.Duration(r.IntN(400)) * time.Millisecond
		out = append(out, moment{at, func() { w.processes[name].kill() }})
	}
	return out
}

// turn makes the other key the current one, for processes that start from now on.
func (w *world) turn() {
	w.history.fire("keys.rotate")
	w.rotated.Store(int64(1 - w.ring()))
	w.history.put("rotate", event{"to": w.ring() + 1})
}

// rotate makes the other key the current one, in the middle of whatever happens:
// steps and gateway take it when they start again, one of them first.
func (w *world) rotate(r *rand.Rand, span time.Duration) []moment {
	at := time.Duration(r.Int64N(int64(span)))
	out := []moment{{at, w.turn}}
	names := []string{"processors", "gateway"}
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names {
		at += time.Duration(r.IntN(600)) * time.Millisecond
		out = append(out, moment{at, func() { w.processes[name].kill() }})
	}
	return out
}
