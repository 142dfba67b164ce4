package processors

import (
	"bytes"
	"encoding/binary"
	"time"
)

// WakeAt implements Tx.
func (s *scope) WakeAt(key []byte, at time.Time) {
	waking := append([]byte{kindWaking}, key...)
	before, found, err := s.timer(waking)
	if err != nil {
		s.err = err
		return
	}
	if found {
		if !at.IsZero() && int64(binary.BigEndian.Uint64(before)) == at.UnixMilli() {
			return
		}
		s.set(timerKey(before, key), nil)
	}
	if at.IsZero() {
		if found {
			s.set(waking, nil)
		}
		return
	}
	when := binary.BigEndian.AppendUint64(nil, uint64(max(at.UnixMilli(), 0)))
	s.set(waking, when)
	s.set(timerKey(when, key), []byte{})
}

// timer returns the time for which a key's timer is set.
func (s *scope) timer(waking []byte) (when []byte, found bool, err error) {
	if i, ok := s.partition.changed[string(waking)]; ok {
		when = s.partition.changes[i].value
		return when, when != nil, nil
	}
	return s.partition.state.Get(nil, waking)
}

func timerKey(when, key []byte) []byte {
	k := make([]byte, 0, 1+len(when)+len(key))
	k = append(k, kindTimer)
	k = append(k, when...)
	return append(k, key...)
}

// timerBound is the first timer key after now.
func timerBound(now time.Time) []byte {
	return binary.BigEndian.AppendUint64([]byte{kindTimer}, uint64(now.UnixMilli())+1)
}

// wakeLimit bounds the timers delivered in one transaction.
const wakeLimit = 2000

// due reports whether a timer of the partition has come. It looks at what is committed,
// not through a batch: no transaction is open, and state may be rolled forward meanwhile.
func due(p *partition, now time.Time) (bool, error) {
	return p.state.Any([]byte{kindTimer}, timerBound(now))
}

// dueKeys returns the keys of timers of the partition that have come, the earliest first.
func (o *overlay) dueKeys(p *partition) ([][]byte, error) {
	var keys [][]byte
	err := o.open().Scan(p.state, []byte{kindTimer}, timerBound(o.now), func(key, _ []byte) (bool, error) {
		keys = append(keys, bytes.Clone(key[9:]))
		return len(keys) < wakeLimit, nil
	})
	return keys, err
}
