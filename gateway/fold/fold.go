// Package fold keeps in memory what topics say: a projection is one value, a Fold,
// in one list, and what is asked of all of them is done once, here. Each is read
// from the start of its topic, again when the bus fails, and a record that cannot
// be taken is left aside, counted and told of by its place: none ends the process.
//
// Metrics: yiyuan_gateway_skipped_total{view,reason}.
package fold

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Fold is one projection: what is kept of a topic, and how.
type Fold struct {
	Topic  contract.Topic
	Layout *schemas.Layout // of its values; nil = Put reads them by itself
	// Put takes what a record says of its key. What it returns makes the record one
	// that cannot be read. Row is the value by Layout, empty without one.
	Put func(r *bus.Record, row schemas.Record) error
	// Delete takes that there is nothing of a key any more; nil = the topic knows no
	// deletions.
	Delete func(key string)
	// Bare takes a record without a value in the place of Delete, where such a record says
	// more than its key; what it returns is as what Put returns.
	Bare func(r *bus.Record) error
	// Reset is called before the topic is read from its start, the first time and
	// after the bus failed. Nil = what is put again replaces what was put before, and
	// until it has come what was known stays in force.
	Reset func()
	// Place is told how far the topic has been read; nil = nobody asks.
	Place Place
}

// Place follows where a reading of a topic stands.
type Place interface {
	// Came says that records have come, Took that all up to last have been put.
	Came()
	Took(last *bus.Record)
	// Tend runs beside each reading. What it returns ends the reading; another begins.
	Tend(ctx context.Context) error
}

// ErrAnew ends a reading of a topic because it is to be read again from its start,
// and not because anything has failed.
var ErrAnew = errors.New("topic is to be read anew")

// Bus is where topics are read; *bus.Bus is.
type Bus interface {
	Follow(ctx context.Context, cfg bus.FollowConfig, fn func(ctx context.Context, records []bus.Record) error) error
}

// Reader reads topics into folds.
type Reader struct {
	Bus    Bus
	Codec  *codec.Codec
	Guard  *Guard
	Logger *slog.Logger
}

// Follow keeps every fold level with its topic until ctx ends. Folds of one topic
// share its reading: each record is given to them in the order of the list, and
// what one cannot take is taken by the others all the same.
func (r *Reader) Follow(ctx context.Context, folds []Fold) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, all := range byTopic(folds) {
		t := &topic{reader: r, name: all[0].Topic, folds: all, codecs: make([]*codec.Reader, len(all))}
		for i := range all {
			if all[i].Layout != nil {
				t.codecs[i] = r.Codec.Reader(all[i].Layout)
			}
		}
		group.Go(func() error { return t.follow(ctx) })
	}
	return group.Wait()
}

// byTopic keeps the order of the list within each topic.
func byTopic(folds []Fold) (out [][]Fold) {
	at := map[contract.Topic]int{}
	for _, f := range folds {
		i, there := at[f.Topic]
		if !there {
			i = len(out)
			at[f.Topic] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], f)
	}
	return out
}

// topic is one reading and what it is read into.
type topic struct {
	reader *Reader
	name   contract.Topic
	folds  []Fold
	codecs []*codec.Reader // by fold, nil without a layout
}

// follow reads the topic from its start for as long as ctx lives.
func (t *topic) follow(ctx context.Context) error {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = 100*time.Millisecond, 5*time.Second
	for {
		err := t.read(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrAnew):
			retry.Reset()
			continue
		}
		t.reader.Logger.Warn("topic cannot be followed, beginning anew", "topic", string(t.name), "error", err)
		if err := Pause(ctx, retry.NextBackOff()); err != nil {
			return err
		}
	}
}

// read is one reading of the topic.
func (t *topic) read(ctx context.Context) error {
	for i := range t.folds {
		if reset := t.folds[i].Reset; reset != nil {
			reset()
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return t.reader.Bus.Follow(ctx, bus.FollowConfig{Topics: []contract.Topic{t.name}}, func(ctx context.Context, records []bus.Record) error {
			for i := range t.folds {
				t.take(ctx, i, records)
			}
			return nil
		})
	})
	for i := range t.folds {
		if place := t.folds[i].Place; place != nil {
			group.Go(func() error { return place.Tend(ctx) })
		}
	}
	return group.Wait()
}

// take puts records of one partition into one of the folds.
func (t *topic) take(ctx context.Context, fold int, records []bus.Record) {
	f := &t.folds[fold]
	if f.Place != nil {
		f.Place.Came()
	}
	for i := range records {
		r := &records[i]
		t.reader.Guard.Take(string(r.Topic), r, func() error { return f.put(ctx, t.codecs[fold], r) })
	}
	if f.Place != nil {
		f.Place.Took(&records[len(records)-1])
	}
}

// put takes one record.
func (f *Fold) put(ctx context.Context, reader *codec.Reader, r *bus.Record) error {
	if r.Value == nil {
		if f.Bare != nil {
			return f.Bare(r)
		}
		if f.Delete != nil {
			f.Delete(string(r.Key))
		}
		return nil
	}
	var row schemas.Record
	if reader != nil {
		var err error
		if row, err = reader.Decode(ctx, r.Value); err != nil {
			return err
		}
	}
	return f.Put(r, row)
}

// Pause waits, or returns why ctx has ended.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
