package standing

import (
	"bytes"
	"context"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// passRecords is of how many records the keys are held at a time; a raw topic with more
// is read in several passes over a part of the keys each.
const passRecords = 2_000_000

// Search looks in a dataset's raw topic for rows that did not come again while a source
// was read again.
type Search struct {
	Bus    *bus.Bus
	Ear    *Ear
	Topic  contract.Topic
	Sole   bool                          // no other source feeds the dataset any more
	Digest func(key []byte) (d [16]byte) // keyed
}

// Passes calls fn with each part of the keys in turn.
func (s *Search) Passes(ctx context.Context, fn func(*Pass) error) error {
	ends, err := s.Bus.EndOffsets(ctx, s.Topic)
	if err != nil {
		return err
	}
	records := int64(0)
	for _, end := range ends[s.Topic] {
		records += end
	}
	parts := int(records/passRecords) + 1
	for part := range parts {
		p := &Pass{Search: s, part: part, Parts: parts, stands: New(), gone: map[[16]byte]bool{}, begun: map[int32]bool{}}
		if err := p.scan(ctx); err != nil {
			return fmt.Errorf("look for rows that did not come again in %q: %w", s.Topic, err)
		}
		if err := fn(p); err != nil {
			return err
		}
	}
	return nil
}

// Pass is one part of the keys of a raw topic: those of which a record of this
// source's stands, of before it was read again and not a delete, are gone.
type Pass struct {
	*Search
	part   int // of Parts
	Parts  int
	Kept   int64 // keys of before that came again
	stands Standings
	gone   map[[16]byte]bool // true: what is left is a record that says nothing, see scan
	begun  map[int32]bool    // partitions in which rows have come again
}

// Found is how many rows are gone. A record that says nothing may be no row's, so it
// does not count, and nobody is asked about it.
func (p *Pass) Found() (n int64) {
	for _, husk := range p.gone {
		if !husk {
			n++
		}
	}
	return n
}

// Traces are the rows that are gone, with those that may be none.
func (p *Pass) Traces() int64 { return int64(len(p.gone)) }

func (p *Pass) digest(key []byte) ([16]byte, bool) {
	d := p.Digest(key)
	return d, int(d[0])<<8|int(d[1]) >= p.part*(1<<16)/p.Parts && int(d[0])<<8|int(d[1]) < (p.part+1)*(1<<16)/p.Parts
}

// scan reads the topic once. A record that says nothing of its row changes nothing;
// but where it is all that compaction has left, from before the rows were read again
// and of a dataset that nobody else feeds, it stands for the row that it displaced.
func (p *Pass) scan(ctx context.Context) error {
	return p.Bus.Replay(ctx, p.Topic, func(rec bus.Record) error {
		said, err := p.Ear.Hear(ctx, rec)
		if err != nil {
			return err
		}
		if said.Sequence.Epoch > p.Ear.since.Epoch && said.Ours {
			said = Said{Row: said.Row} // no record of ours is of that epoch
		}
		again := said.Ours && p.Ear.again(said.Sequence)
		if len(rec.Key) == 0 { // a truncate, of this partition
			p.stands.Empty(rec, said, func(d [16]byte) { delete(p.gone, d) })
			return nil
		}
		d, mine := p.digest(said.Row)
		p.begun[rec.Partition] = p.begun[rec.Partition] || again
		switch {
		case rec.Header(contract.ControlHeader) != nil || !mine:
		case !said.OK && (!p.Sole || p.begun[rec.Partition]):
		case !said.OK:
			if _, known := p.gone[d]; !known {
				p.gone[d] = true
			}
		case !p.stands.Take(d, rec, said, [8]byte{}):
		case said.There && !again && (said.Ours || p.Sole):
			p.gone[d] = false
		default:
			if husk, known := p.gone[d]; known && !husk && again && said.There {
				p.Kept++
			}
			delete(p.gone, d)
		}
		return nil
	})
}

// Keys reads the topic once more and calls fn with each key that is gone.
func (p *Pass) Keys(ctx context.Context, fn func(key string) error) error {
	if len(p.gone) == 0 {
		return nil
	}
	return p.Bus.Replay(ctx, p.Topic, func(rec bus.Record) error {
		key, _ := rowOf(rec)
		d, mine := p.digest(key)
		if _, gone := p.gone[d]; !mine || !gone || len(rec.Key) == 0 {
			return nil
		}
		delete(p.gone, d)
		return fn(string(key))
	})
}

// Name is the key of a row, and how the row itself wrote it last, nil if that is not known.
type Name struct {
	Key string
	Own []byte
}

// Names reads the topic once more and returns the names of the rows that are gone.
func (p *Pass) Names(ctx context.Context) ([]Name, error) {
	if len(p.gone) == 0 {
		return nil, nil
	}
	var out []Name
	at := make(map[[16]byte]int, len(p.gone))
	err := p.Bus.Replay(ctx, p.Topic, func(rec bus.Record) error {
		key, _ := rowOf(rec)
		d, mine := p.digest(key)
		if _, gone := p.gone[d]; !mine || !gone || len(rec.Key) == 0 {
			return nil
		}
		i, told := at[d]
		if !told {
			i, at[d] = len(out), len(out)
			out = append(out, Name{Key: string(key)})
		}
		if own, ok := contract.ParseOwn(rec.Header(contract.Own)); ok {
			out[i].Own = bytes.Clone(own)
		}
		return nil
	})
	return out, err
}
