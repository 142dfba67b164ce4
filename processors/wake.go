package processors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
)

// The kinds of state key: a stage's own, its timers by time, its timers by key.
const (
	kindOwn    = 'k'
	kindTimer  = 't'
	kindWaking = 'w'
)

// wakeLimit bounds the timers delivered in one transaction.
const wakeLimit = 2000

// Due implements bus.Worker. It looks at what is committed, not through a
// batch: no transaction is open, and state may be rolled forward meanwhile.
func (w *worker) Due(partitions []int32) bool {
	w.tick()
	for _, n := range partitions {
		due, err := w.partition(n).state.Any([]byte{kindTimer}, timerBound(w.now))
		if due || err != nil { // Wake meets the error again and reports it
			return true
		}
	}
	return w.renewDue(partitions)
}

// timerBound is the first timer key after now.
func timerBound(now time.Time) []byte {
	return binary.BigEndian.AppendUint64([]byte{kindTimer}, uint64(now.UnixMilli())+1)
}

// Wake implements bus.Worker.
func (w *worker) Wake(tx *bus.Tx, partitions []int32) error {
	w.tick()
	for _, n := range partitions {
		p := w.partition(n)
		var keys [][]byte
		err := w.open().Scan(p.state, []byte{kindTimer}, timerBound(w.now), func(key, _ []byte) (bool, error) {
			keys = append(keys, bytes.Clone(key[9:]))
			return len(keys) < wakeLimit, nil
		})
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			continue
		}
		s, err := w.enter(p, tx)
		if err != nil {
			return err
		}
		for _, key := range keys {
			s.WakeAt(key, time.Time{})
			if err := s.call(func() error { return w.stage.Wake(s, key) }); err != nil {
				return fmt.Errorf("wake partition %d: %w", n, err)
			}
		}
		w.cfg.Metrics.m.timers.WithLabelValues(w.step).Add(float64(len(keys)))
	}
	return w.renew(tx, partitions)
}
