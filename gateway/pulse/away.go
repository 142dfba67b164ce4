package pulse

import (
	"sync/atomic"
	"time"
)

// attended is what came of looking whether something answers.
type attended struct {
	at    time.Time
	err   error
	since time.Time // of an error: for how long nothing else has come of it
}

// attention is what came of the last look; nil before the first.
type attention struct{ atomic.Pointer[attended] }

// saw takes what came of a look, and reports whether it was the first to fail. One
// goroutine looks.
func (a *attention) saw(now time.Time, err error) bool {
	next := &attended{at: now, err: err, since: now}
	before := a.Load()
	failed := before != nil && before.err != nil
	if failed {
		next.since = before.since
	}
	a.Store(next)
	return err != nil && !failed
}

// Part is something that the gateway rests on.
type Part string

// The parts that may be away.
const (
	PartCache Part = "cache" // what is answered
	PartKafka Part = "kafka" // what is new, and the audit without which nothing is answered
	PartAudit Part = "audit" // Kafka answers, and takes no entries of the audit
	// PartCatalogue is the one in force: this process runs a former one.
	PartCatalogue Part = "catalogue"
)

// Away is a part that does not answer, since a moment on the clock of Parts.
type Away struct {
	Part  Part
	Since time.Time
}

// awayAfter is how long the cache may not answer before anybody is told: a failover is
// over before. Who judges Kafka has a time of his own.
const awayAfter = 5 * time.Second

// Away names what does not answer, the cache first.
func (p *Pulse) Away() []Away {
	out := []Away{}
	now := time.Now()
	tell := func(part Part, since time.Time) { out = append(out, Away{part, p.Clock().Add(since.Sub(now))}) }
	if last := p.cache.Load(); last != nil && last.err != nil && now.Sub(last.since) >= awayAfter {
		tell(PartCache, last.since)
	}
	if since, away := p.Kafka(); away {
		tell(PartKafka, since)
	} else if since, lost := p.Audit(); lost {
		out = append(out, Away{PartAudit, since})
	}
	if next := p.Fresh.Successor(); next != nil {
		out = append(out, Away{PartCatalogue, next.Since})
	}
	return out
}
