package processors

import (
	"bytes"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/engine"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// scope is what a stage sees of one transaction: it implements Tx. An error of
// the store is kept and ends the transaction, so that a stage cannot go on
// without having noticed.
type scope struct {
	*overlay
	generation *generation
	partition  *partition
	tx         *engine.Tx
	key        []byte
	value      []byte
	err        error
}

// enter makes the scope that of a partition.
func (s *scope) enter(p *partition, tx *engine.Tx) *scope {
	s.partition, s.tx, s.err = p, tx, nil
	return s
}

// call runs the stage; a panic is an error that stops the step, loudly.
func (s *scope) call(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("stage panicked: %w", crash.Of(p))
		}
	}()
	if err := f(); err != nil {
		return err
	}
	return s.err
}

// Now implements Tx.
func (s *scope) Now() time.Time { return s.now }

// Partition implements Tx.
func (s *scope) Partition() int32 { return s.partition.number }

func (s *scope) own(key []byte) []byte {
	s.key = append(append(s.key[:0], kindOwn), key...)
	return s.key
}

// Get implements Tx.
func (s *scope) Get(key []byte) ([]byte, error) {
	key = s.own(key)
	if i, ok := s.partition.changed[string(key)]; ok {
		return s.partition.changes[i].value, nil
	}
	value, found, err := s.partition.state.Get(s.value[:0], key)
	if err != nil || !found {
		return nil, err
	}
	s.value = value
	return value, nil
}

// Scan implements Tx.
func (s *scope) Scan(prefix []byte, visit func(key, value []byte) error) error {
	low := append([]byte{kindOwn}, prefix...)
	return s.open().Scan(s.partition.state, low, successor(low), func(key, value []byte) (bool, error) {
		return true, visit(key[1:], value)
	})
}

// successor is the first key after all keys with the prefix.
func successor(prefix []byte) []byte {
	out := bytes.Clone(prefix)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] != 0xFF {
			out[i]++
			return out[:i+1]
		}
	}
	return nil
}

// Renewed implements Tx.
func (s *scope) Renewed() (bool, error) { return s.generation.current(s.partition, s.now) }

// Put implements Tx.
func (s *scope) Put(key, value []byte) {
	if value == nil {
		value = []byte{}
	}
	s.set(s.own(key), value)
}

// Delete implements Tx.
func (s *scope) Delete(key []byte) { s.set(s.own(key), nil) }

func (s *scope) set(key, value []byte) {
	p := s.partition
	k, v, err := s.open().Set(p.state, key, value)
	if err != nil {
		if s.err == nil {
			s.err = fmt.Errorf("change state: %w", err)
		}
		return
	}
	if value != nil && v == nil {
		v = []byte{}
	}
	if i, ok := p.changed[string(key)]; ok {
		p.changes[i].value = v
		return
	}
	p.changed[string(key)] = len(p.changes)
	p.changes = append(p.changes, change{k, v})
}

// Emit implements Tx.
func (s *scope) Emit(r bus.Record) { s.tx.Emit(r) }
