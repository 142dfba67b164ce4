package processors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// One transaction renews so many keys, and no more once it has taken so long.
// Beside records that come, renewing takes a quarter of the time.
const (
	renewKeys  = 128
	renewSlice = 20 * time.Millisecond
	renewRest  = 3
)

// renewer renews, in the transactions of one worker, what is of another generation.
type renewer struct {
	*overlay
	generation *generation
	step       string
	metrics    *metrics
	clock      func() time.Time

	after time.Time // not before
	busy  bool      // the open transaction has taken in records: there is other work
	shown int       // partitions, as the gauge has it
}

// stale returns the first of the partitions that is not wholly of the present
// generation, and how many there are.
func (r *renewer) stale(partitions []*partition) (first *partition, count int, err error) {
	for _, p := range partitions {
		current, err := r.generation.current(p, r.now)
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

// due reports whether something is to be renewed now.
func (r *renewer) due(partitions []*partition) bool {
	if r.generation.of == nil || r.now.Before(r.after) {
		return false
	}
	p, count, err := r.stale(partitions)
	r.report(count)
	return p != nil || err != nil // renew meets the error again and reports it
}

// report keeps the gauge of partitions that are being renewed.
func (r *renewer) report(count int) {
	r.metrics.renewing.WithLabelValues(r.step).Add(float64(count - r.shown))
	r.shown = count
}

// renew renews a piece of one partition, in the scope that enter makes of it.
func (r *renewer) renew(partitions []*partition, enter func(*partition) (*scope, error)) error {
	if r.generation.of == nil || r.now.Before(r.after) {
		return nil
	}
	p, _, err := r.stale(partitions)
	if p == nil || err != nil {
		return err
	}
	began := r.clock()
	s, err := enter(p)
	if err != nil {
		return err
	}
	stored, _, err := p.state.Get(nil, generationKey)
	if err != nil {
		return err
	}
	_, last := renewal(stored, r.generation.name)
	keys, err := r.renewable(p, last)
	if err != nil {
		return err
	}
	whole := len(keys) < renewKeys
	for i, key := range keys {
		if err := s.call(func() error { return r.generation.of.Renew(s, key[1:]) }); err != nil {
			return fmt.Errorf("renew partition %d: %w", p.number, err)
		}
		last = key
		if took := r.clock().Sub(began); took > renewSlice && i+1 < len(keys) {
			keys, whole = keys[:i+1], false
			break
		}
	}
	s.set(generationKey, appendRenewal(r.generation.name, whole, last))
	if whole {
		value, err := json.Marshal(contract.Renewed{Catalogue: CatalogueOf(r.generation.name)})
		if err != nil {
			return fmt.Errorf("tell that partition %d is renewed: %w", p.number, err)
		}
		s.Emit(bus.Record{Topic: contract.Bus, Partition: bus.ByKey, Key: []byte(contract.RenewedKey(r.step, p.number)), Value: value, Time: r.now})
	}
	if s.err != nil {
		return s.err
	}
	r.metrics.renewed.WithLabelValues(r.step).Add(float64(len(keys)))
	if r.busy {
		now := r.clock()
		r.after = now.Add(renewRest * now.Sub(began))
	}
	return nil
}

// renewable returns the keys that come after last.
func (r *renewer) renewable(p *partition, last []byte) ([][]byte, error) {
	prefix := append([]byte{kindOwn}, r.generation.of.Renewable()...)
	low := prefix
	if len(last) > 0 {
		low = append(bytes.Clone(last), 0)
	}
	var keys [][]byte
	err := r.open().Scan(p.state, low, successor(prefix), func(key, _ []byte) (bool, error) {
		keys = append(keys, bytes.Clone(key))
		return len(keys) < renewKeys, nil
	})
	return keys, err
}
