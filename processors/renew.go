package processors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
)

// Renewer is a Stage whose results depend on more than its records: on the
// catalogue it was made with, or on what is in force at a time. When that
// changes, all that it keeps is renewed in the background, a little in each
// transaction, exactly once.
type Renewer interface {
	// Generation names what results depend on at a time.
	Generation(now time.Time) []byte
	// Renewable is the prefix of the keys to renew.
	Renewable() []byte
	// Renew brings what is kept under a key to the present generation. It is
	// called for every key that was there when the generation changed, and may
	// find that it is up to date.
	Renew(tx Tx, key []byte) error
}

// One transaction renews so many keys, and no more once it has taken so long.
// Beside records that come, renewing takes a quarter of the time.
const (
	renewKeys  = 128
	renewSlice = 20 * time.Millisecond
	renewRest  = 3
)

// kindGeneration is the state key of how far renewing is: the generation, with
// its length in front, whether all of it is done, and the last key renewed.
const kindGeneration = 'g'

var generationKey = []byte{kindGeneration}

func appendRenewal(generation []byte, done bool, last []byte) []byte {
	out := append(binary.AppendUvarint(nil, uint64(len(generation))), generation...)
	if done {
		return append(out, 1)
	}
	return append(append(out, 0), last...)
}

// renewal reads what appendRenewal wrote; of another generation it is the start.
func renewal(stored, generation []byte) (done bool, last []byte) {
	n, used := binary.Uvarint(stored)
	if used <= 0 || n >= uint64(len(stored)-used) || !bytes.Equal(stored[used:used+int(n)], generation) {
		return false, nil
	}
	rest := stored[used+int(n):]
	return rest[0] == 1, rest[1:]
}

// stale returns the first of the partitions that is not wholly of the present
// generation, and how many there are.
func (w *worker) stale(r Renewer, partitions []int32) (first *partition, count int, err error) {
	for _, n := range partitions {
		p := w.partition(n)
		current, err := w.current(r, p)
		if err != nil {
			return nil, 0, err
		}
		if current {
			continue
		}
		if count++; first == nil {
			first = p
		}
	}
	return first, count, nil
}

// current reports whether a partition is wholly of the present generation, which is
// left in w.generation.
func (w *worker) current(r Renewer, p *partition) (bool, error) {
	w.generation = append(w.generation[:0], r.Generation(w.now)...)
	if bytes.Equal(p.renewed, w.generation) {
		return true, nil
	}
	stored, _, err := p.state.Get(nil, generationKey)
	if err != nil {
		return false, err
	}
	done, _ := renewal(stored, w.generation)
	if done {
		p.renewed = bytes.Clone(w.generation)
	}
	return done, nil
}

// renewDue reports whether something is to be renewed now.
func (w *worker) renewDue(partitions []int32) bool {
	r, ok := w.stage.(Renewer)
	if !ok || w.now.Before(w.renewAfter) {
		return false
	}
	p, count, err := w.stale(r, partitions)
	w.report(count)
	return p != nil || err != nil // renew meets the error again and reports it
}

// report keeps the gauge of partitions that are being renewed.
func (w *worker) report(count int) {
	w.cfg.Metrics.m.renewing.WithLabelValues(w.step).Add(float64(count - w.renewing))
	w.renewing = count
}

// renew renews a piece of one partition.
func (w *worker) renew(tx *bus.Tx, partitions []int32) error {
	r, ok := w.stage.(Renewer)
	if !ok || w.now.Before(w.renewAfter) {
		return nil
	}
	p, _, err := w.stale(r, partitions)
	if p == nil || err != nil {
		return err
	}
	began := w.cfg.Clock()
	s, err := w.enter(p, tx)
	if err != nil {
		return err
	}
	stored, _, err := p.state.Get(nil, generationKey)
	if err != nil {
		return err
	}
	_, last := renewal(stored, w.generation)
	keys, err := w.renewable(r, p, last)
	if err != nil {
		return err
	}
	whole := len(keys) < renewKeys
	for i, key := range keys {
		if err := s.call(func() error { return r.Renew(s, key[1:]) }); err != nil {
			return fmt.Errorf("renew partition %d: %w", p.number, err)
		}
		last = key
		if took := w.cfg.Clock().Sub(began); took > renewSlice && i+1 < len(keys) {
			keys, whole = keys[:i+1], false
			break
		}
	}
	s.set(generationKey, appendRenewal(w.generation, whole, last))
	if s.err != nil {
		return s.err
	}
	w.cfg.Metrics.m.renewed.WithLabelValues(w.step).Add(float64(len(keys)))
	if w.handled { // there is other work
		now := w.cfg.Clock()
		w.renewAfter = now.Add(renewRest * now.Sub(began))
	}
	return nil
}

// renewable returns the keys that come after last.
func (w *worker) renewable(r Renewer, p *partition, last []byte) ([][]byte, error) {
	prefix := append([]byte{kindOwn}, r.Renewable()...)
	low := prefix
	if len(last) > 0 {
		low = append(bytes.Clone(last), 0)
	}
	var keys [][]byte
	err := w.open().Scan(p.state, low, successor(prefix), func(key, _ []byte) (bool, error) {
		keys = append(keys, bytes.Clone(key))
		return len(keys) < renewKeys, nil
	})
	return keys, err
}
