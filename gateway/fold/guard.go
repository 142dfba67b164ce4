package fold

import (
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Guard stands between the records of topics and whoever takes them.
type Guard struct {
	log     *slog.Logger
	skipped *prometheus.CounterVec
	told    listener.Sparse // by what is read, and why
}

// NewGuard returns a guard that counts what it leaves aside.
func NewGuard(log *slog.Logger, reg prometheus.Registerer) *Guard {
	g := &Guard{log: log, skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "yiyuan_gateway_skipped_total", Help: "未能装入的记录数：没有版本、过大、无法解读，或处理时程序 panic。 / Records that could not be taken: no version, too large, unreadable, or the program panicked on them.",
	}, []string{"view", "reason"})}
	reg.MustRegister(g.skipped)
	return g
}

// UnfitError says in one word why a record cannot be taken, where it is not just that it
// cannot be read.
type UnfitError struct {
	Reason string
	Err    error
}

// Error implements error.
func (u *UnfitError) Error() string { return u.Err.Error() }

// Unwrap returns what is wrong.
func (u *UnfitError) Unwrap() error { return u.Err }

// Take takes a record and reports whether it could be. One that cannot is left
// aside, also where taking it panics: no record ends the process for all, and a
// trace of it would show what it holds. It cannot be put aside better than where it
// is: the topic keeps it.
func (g *Guard) Take(what string, r *bus.Record, take func() error) (taken bool) {
	defer func() {
		if p := recover(); p != nil {
			g.skip(what, "panicked", r, crash.Of(p))
			taken = false
		}
	}()
	err := take()
	if err == nil {
		return true
	}
	reason := "unreadable"
	if unfit := (*UnfitError)(nil); errors.As(err, &unfit) {
		reason = unfit.Reason
	}
	g.skip(what, reason, r, err)
	return false
}

func (g *Guard) skip(what, reason string, r *bus.Record, err error) {
	g.skipped.WithLabelValues(what, reason).Inc()
	if n, ok := g.told.Tell(what+" "+reason, time.Now()); ok { // a topic that is not ours is full of them
		g.log.Error("record cannot be taken", "topic", string(r.Topic), "partition", r.Partition, "offset", r.Offset, "reason", reason, "times", n, "error", err)
	}
}
