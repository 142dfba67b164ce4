package connectors

import (
	"context"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// passRecords is of how many records the keys are held at a time; a raw topic with more
// is read in several passes over a part of the keys each.
const passRecords = 2_000_000

// search looks in a dataset's raw topic for rows that did not come again while a source
// was read again.
type search struct {
	bus   *bus.Bus
	cfg   Config
	ear   *hearer
	topic contract.Topic
	sole  bool // no other source feeds the dataset any more
}

// passes calls fn with each part of the keys in turn.
func (s *search) passes(ctx context.Context, fn func(*pass) error) error {
	ends, err := s.bus.EndOffsets(ctx, s.topic)
	if err != nil {
		return err
	}
	records := int64(0)
	for _, end := range ends[s.topic] {
		records += end
	}
	parts := int(records/passRecords) + 1
	for part := range parts {
		p := &pass{search: s, part: part, parts: parts, stands: newStandings(), gone: map[[16]byte]bool{}, begun: map[int32]bool{}}
		if err := p.scan(ctx); err != nil {
			return fmt.Errorf("look for rows that did not come again in %q: %w", s.topic, err)
		}
		if err := fn(p); err != nil {
			return err
		}
	}
	return nil
}

// pass is one part of the keys of a raw topic: those of which a record of this
// source's stands, of an elder epoch and not a delete, are gone.
type pass struct {
	*search
	part   int // of parts
	parts  int
	stands standings
	gone   map[[16]byte]bool // true: what is left is a record that says nothing, see scan
	kept   int64             // keys of an elder epoch that came again
	begun  map[int32]bool    // partitions in which rows have come again
}

// found is how many rows are gone. A record that says nothing may be no row's, so it
// does not count, and nobody is asked about it.
func (p *pass) found() (n int64) {
	for _, husk := range p.gone {
		if !husk {
			n++
		}
	}
	return n
}

func (p *pass) digest(key []byte) ([16]byte, bool) {
	var d [16]byte
	copy(d[:], p.cfg.Keyed(contract.LabelResync, key))
	return d, int(d[0])<<8|int(d[1]) >= p.part*(1<<16)/p.parts && int(d[0])<<8|int(d[1]) < (p.part+1)*(1<<16)/p.parts
}

// scan reads the topic once. A record that says nothing of its row changes nothing;
// but where it is all that compaction has left, from before the rows were read again
// and of a dataset that nobody else feeds, it stands for the row that it displaced.
func (p *pass) scan(ctx context.Context) error {
	return p.bus.Replay(ctx, p.topic, func(rec bus.Record) error {
		said, err := p.ear.hear(ctx, rec)
		if err != nil {
			return err
		}
		if said.sequence.Epoch > p.ear.epoch && said.ours {
			said = saying{row: said.row} // no record of ours is of that epoch
		}
		again := said.ours && said.sequence.Epoch == p.ear.epoch
		if len(rec.Key) == 0 { // a truncate, of this partition
			p.stands.empty(rec, said, func(d [16]byte) { delete(p.gone, d) })
			return nil
		}
		d, mine := p.digest(said.row)
		p.begun[rec.Partition] = p.begun[rec.Partition] || again
		switch {
		case rec.Header(contract.ControlHeader) != nil || !mine:
		case !said.ok && (!p.sole || p.begun[rec.Partition]):
		case !said.ok:
			if _, known := p.gone[d]; !known {
				p.gone[d] = true
			}
		case !p.stands.take(d, rec, said, [8]byte{}):
		case said.there && !again && (said.ours || p.sole):
			p.gone[d] = false
		default:
			if husk, known := p.gone[d]; known && !husk && again && said.there {
				p.kept++
			}
			delete(p.gone, d)
		}
		return nil
	})
}

// keys reads the topic once more and calls fn with each key that is gone.
func (p *pass) keys(ctx context.Context, fn func(key string) error) error {
	if len(p.gone) == 0 {
		return nil
	}
	return p.bus.Replay(ctx, p.topic, func(rec bus.Record) error {
		key, _ := rowOf(rec)
		d, mine := p.digest(key)
		if _, gone := p.gone[d]; !mine || !gone || len(rec.Key) == 0 {
			return nil
		}
		delete(p.gone, d)
		return fn(string(key))
	})
}
