package engine

import "time"

const (
	// linger is the least time between two commits of a worker at lingerRate
	// records a second or more, and in proportion below: records that come in the
	// meantime share a transaction, which costs the brokers several milliseconds
	// however small it is. When little comes it is committed at once.
	linger     = 40 * time.Millisecond
	lingerRate = 500
	// firstChunk is how many records a session polls at first.
	firstChunk = 512
)

// pacer says how much is taken into a transaction and how soon the next one follows.
// Not for concurrent use.
type pacer struct {
	cfg        Transaction
	most       int           // records of one transaction, see late
	chunk      int           // records of one poll, see pace
	ended      time.Time     // of the last transaction
	commitTook time.Duration // of the last transaction
	rate       float64       // records a second, of about the last second
}

func newPacer(cfg Transaction) *pacer {
	return &pacer{cfg: cfg, most: cfg.MaxRecords, chunk: min(firstChunk, cfg.MaxRecords)}
}

// patience is the least time between two commits: the more records come, the
// longer it is worth waiting for company.
func (p *pacer) patience() time.Duration {
	return time.Duration(min(1, p.rate/lingerRate) * float64(linger))
}

// count takes note of how many records a transaction had that ends now.
func (p *pacer) count(records int, now time.Time) {
	since := max(now.Sub(p.ended).Seconds(), 1e-6)
	p.rate += (float64(records)/since - p.rate) * min(1, since)
	p.ended = now
	if records >= p.most { // a machine that is quick again takes as much as ever
		p.most = min(2*p.most, p.cfg.MaxRecords)
	}
}

// late takes note of a transaction that took so many records and longer than its timeout:
// the broker has aborted it, and its records come again. The next ones take fewer, or it
// would be so for ever where the machine, or the brokers, are as slow as that.
func (p *pacer) late(records int) {
	p.most = max(1, min(p.most, records)/4)
	p.chunk = min(p.chunk, p.most)
}

// stretch is how long a transaction goes on taking in records: an interval, and
// with a backlog four times as long as the last commit took, up to a second, so
// that a cluster where commits are dear spends its time on records. When no more
// records are there a transaction is committed at once all the same.
func (p *pacer) stretch() time.Duration {
	return max(p.cfg.Interval, min(4*p.commitTook, time.Second))
}

// pace sets how many records are polled at once: as many as the worker does in
// half an interval, and as make half a transaction of bytes, with what comes of
// them. What has been polled must be committed with the transaction it was
// polled in, so a poll too large for the machine would hold its transaction open
// past its timeout, and be aborted and tried again for ever.
func (p *pacer) pace(records, size int, took time.Duration) {
	switch {
	case size > p.cfg.MaxBytes/2 && records > 0:
		p.chunk = max(1, min(p.chunk/2, p.cfg.MaxBytes/2/max(1, size/records)))
	case took > p.cfg.Interval:
		p.chunk = max(1, p.chunk/2)
	case took < p.cfg.Interval/4 && size < p.cfg.MaxBytes/4 && records >= p.chunk:
		p.chunk = min(2*p.chunk, p.most)
	}
}
