package route

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// That a first complete copy of a dataset has come is passed on to every entity the
// dataset speaks about, behind the claims of all its rows: rules that speak of absence
// wait for it. It is remembered under which catalogue that was said, since under
// another one rows may speak about other entities: then it is said again once all rows
// have been renewed. The key of what is remembered stands right behind the rows of its
// dataset, so that renewing comes to it when it has renewed them.

// completionFormat is the first byte of a stored completion.
const completionFormat = 1

// renewWait is how long a completion waits before it looks again whether the rows of
// its partition have been renewed.
const renewWait = time.Second

var errCompletion = errors.New("stored completion cannot be read")

func (d *dataset) completionKey() []byte { return append([]byte(d.ID), 1) }

// isCompletion reports whether a state key is that of a completion: all others hold a
// NUL behind the dataset's id.
func isCompletion(key []byte) bool {
	return len(key) > 0 && key[len(key)-1] == 1 && bytes.IndexByte(key, 0) < 0
}

// waiting stands in front of the edition of a completion that waits for rows to be renewed.
const waiting = "?"

// completion is what is remembered: of how many partitions the raw topic was, and
// under which edition it was passed on, or heard if it waits.
type completion struct {
	of      int
	edition string
}

func (c completion) append(dst []byte) []byte {
	return append(binary.AppendUvarint(append(dst, completionFormat), uint64(c.of)), c.edition...)
}

func parseCompletion(stored []byte) (completion, error) {
	if len(stored) == 0 || stored[0] != completionFormat {
		return completion{}, fmt.Errorf("parse completion: unknown format: %w", errCompletion)
	}
	of, n := binary.Uvarint(stored[1:])
	if n <= 0 {
		return completion{}, fmt.Errorf("parse completion: truncated: %w", errCompletion)
	}
	return completion{int(of), string(stored[1+n:])}, nil
}

// control takes a record that is no row. One of a kind that nobody knows is told to
// quarantine like any record that cannot be read.
func (s *stage) control(tx processors.Tx, d *dataset, r *bus.Record, said []byte) error {
	c, ok := contract.ParseCompletion(said)
	if !ok || c.Dataset != d.ID || c.Partition != int(tx.Partition()) {
		return s.refuse(tx, &change{Record: r, dataset: d}, &reject{
			reason: contract.ReasonUnreadable,
			detail: "消息头 ctl 不是本版本认识的控制记录 / header ctl is no control record that this build knows",
		}, false)
	}
	return s.complete(tx, d, c.Of)
}

// complete hears that the partition holds all that a first complete copy has in it.
// Sources say it again at each start; what has been passed on is not passed on again.
func (s *stage) complete(tx processors.Tx, d *dataset, of int) error {
	key := d.completionKey()
	stored, err := tx.Get(key)
	if err != nil {
		return err
	}
	if stored != nil {
		if c, err := parseCompletion(stored); err != nil || !s.voidCompletion(d, c) {
			return err
		}
	}
	renewed, err := tx.Renewed()
	if err != nil {
		return err
	}
	if !renewed {
		tx.Put(key, completion{of, waiting + string(s.edition)}.append(nil))
		tx.WakeAt(key, tx.Now().Add(renewWait))
		return nil
	}
	s.passOn(tx, d, of)
	return nil
}

// renewCompletion passes on what was not yet said under this edition. Whoever calls it
// knows that the rows before it have been renewed.
func (s *stage) renewCompletion(tx processors.Tx, key []byte) error {
	stored, err := tx.Get(key)
	if err != nil || stored == nil {
		return err
	}
	c, err := parseCompletion(stored)
	if err != nil {
		return err
	}
	d := s.of(string(key[:len(key)-1]))
	switch {
	case s.voidCompletion(d, c): // the dataset has left, or come back since
		tx.Delete(key)
		return nil
	case c.edition == string(s.edition):
		return nil // all is said
	}
	s.passOn(tx, d, c.of)
	return nil
}

// voidCompletion reports whether a completion is of a copy of before the dataset left.
func (s *stage) voidCompletion(d *dataset, c completion) bool {
	return s.void(d, []byte(strings.TrimPrefix(c.edition, waiting)))
}

// wakeCompletion looks whether the rows before a completion have been renewed by now.
func (s *stage) wakeCompletion(tx processors.Tx, key []byte) error {
	renewed, err := tx.Renewed()
	if err != nil {
		return err
	}
	if !renewed {
		tx.WakeAt(key, tx.Now().Add(renewWait))
		return nil
	}
	return s.renewCompletion(tx, key)
}

func (s *stage) passOn(tx processors.Tx, d *dataset, of int) {
	tx.Put(d.completionKey(), completion{of, string(s.edition)}.append(nil))
	c := contract.Completion{Dataset: d.ID, Partition: int(tx.Partition()), Of: of}
	headers := []bus.Header{{Key: contract.ControlHeader, Value: c.Append(nil)}, {Key: contract.Catalogue, Value: s.period}}
	var told []contract.Topic
	for i := range d.links {
		topic := d.links[i].topic
		if slices.Contains(told, topic) {
			continue
		}
		told = append(told, topic)
		tx.Emit(bus.Record{Topic: topic, Partition: bus.Everywhere, Key: c.Key(), Headers: headers})
	}
}
