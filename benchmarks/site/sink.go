package site

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Written is what the steps wrote, as a committed reader sees it.
type Written struct {
	Records, Bytes int64
	Claims         int64
	Rejected       int64
	Golden         map[string]int64 // by entity, those that exist
	Digest         string           // of all golden records and all claims
	Open           map[Finding]bool
}

// Sink reads topics that the steps wrote, checks that no claim was said twice,
// folds golden records and findings, and, if to is not "", writes the same
// records to that topic, for the limit to copy.
func (s *Site) Sink(ctx context.Context, to string, topics ...contract.Topic) (*Written, error) {
	w := &Written{Golden: map[string]int64{}, Open: map[Finding]bool{}}
	tee, err := s.Tee(to)
	if err != nil {
		return nil, err
	}
	defer tee.Close()
	sums := map[string]uint64{} // what it is about: what it says
	for _, t := range topics {
		look, err := s.Reader(ctx, t, w, sums)
		if err != nil {
			return nil, err
		}
		err = s.Bus.Replay(ctx, t, func(r bus.Record) error {
			w.Records++
			w.Bytes += int64(len(r.Key) + len(r.Value))
			for _, h := range r.Headers {
				w.Bytes += int64(len(h.Key) + len(h.Value))
			}
			tee.Write(ctx, &r)
			return look(&r)
		})
		if err != nil {
			return nil, fmt.Errorf("read what was written to %q: %w", t, err)
		}
	}
	for about := range sums {
		if entity, _, ok := strings.Cut(about, " "); ok && entity != "claim" {
			w.Golden[entity]++
		}
	}
	w.Digest = digestOf(sums)
	return w, tee.Flush(ctx)
}

// digestOf is the same for the same facts in whatever order.
func digestOf(sums map[string]uint64) string {
	facts := make([]string, 0, len(sums))
	for about, says := range sums {
		facts = append(facts, fmt.Sprintf("%s %016x\n", about, says))
	}
	slices.Sort(facts)
	h := sha256.New()
	for _, f := range facts {
		h.Write([]byte(f))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// framing is how many bytes in front of a row name its schema, by an id that
// the order of registration gave.
const framing = 5

var errTwice = errors.New("the same claim twice")

// Reader returns what looks at the records of a topic.
func (s *Site) Reader(ctx context.Context, t contract.Topic, w *Written, sums map[string]uint64) (func(*bus.Record) error, error) {
	family, name := t.Family()
	switch family {
	case contract.FamilyClaims:
		return s.claims(ctx, w, name, sums), nil
	case contract.FamilyResolved:
		return s.resolved(ctx, name, sums)
	case string(contract.Findings):
		reader, state := s.Codec.Reader(contract.FindingLayout), map[string]Finding{}
		return func(r *bus.Record) error {
			if was, known := state[string(r.Key)]; known {
				delete(w.Open, was)
			}
			if r.Value == nil {
				return nil
			}
			f, err := reader.Decode(ctx, r.Value)
			if err != nil {
				return err
			}
			if f.Get("state").Str() == "open" {
				one := Finding{f.Get("rule").Str(), f.Get("case").Str(), f.Get("entity").Str(), f.Get("subject").Str()}
				state[string(r.Key)], w.Open[one] = one, true
			}
			return nil
		}, nil
	case string(contract.Quarantine):
		return func(*bus.Record) error { w.Rejected++; return nil }, nil
	}
	return func(*bus.Record) error { return nil }, nil
}

// claims counts the claims and refuses the second of a kind: a change that took
// effect twice. Source and sequence name the change.
func (s *Site) claims(ctx context.Context, w *Written, entity string, sums map[string]uint64) func(*bus.Record) error {
	reader := s.Codec.Reader(contract.ClaimLayout)
	return func(r *bus.Record) error {
		record, err := reader.Decode(ctx, r.Value)
		if err != nil {
			return err
		}
		c, err := claim.Parse(record)
		if err != nil {
			return err
		}
		w.Claims++
		said := fnv.New64a()
		said.Write([]byte(c.Value[min(framing, len(c.Value)):]))
		id := sha256.Sum256([]byte(strings.Join([]string{entity, string(r.Key), c.Dataset, c.Role, c.Row, c.Source, c.Sequence.String()}, "\x00")))
		about := "claim " + string(id[:16])
		if _, twice := sums[about]; twice {
			return errTwice
		}
		sums[about] = said.Sum64()
		return nil
	}
}

// resolved keeps the last golden record of each entity, without its version and
// its time, which depend on how changes were put into transactions.
func (s *Site) resolved(ctx context.Context, entity string, sums map[string]uint64) (func(*bus.Record) error, error) {
	i := slices.IndexFunc(s.Catalogue.Entities, func(e *schemas.Entity) bool { return e.ID == entity })
	if i < 0 {
		return nil, fmt.Errorf("no entity %q", entity)
	}
	layout := s.Catalogue.Entities[i].ResolvedLayout()
	reader := s.Codec.Reader(layout)
	writer, err := codec.New(&fixedRegistry{}).Writer(ctx, "benchmark", layout)
	if err != nil {
		return nil, fmt.Errorf("read golden records of %q: %w", entity, err)
	}
	version, at := layout.Index("_ver"), layout.Index("_at")
	var buffer []byte
	return func(r *bus.Record) error {
		about := entity + " " + string(r.Key)
		if r.Value == nil {
			delete(sums, about)
			return nil
		}
		golden, err := reader.Decode(ctx, r.Value)
		if err != nil {
			return err
		}
		golden = golden.With(version, schemas.Int(0)).With(at, schemas.Int(0))
		if buffer, err = writer.Append(buffer[:0], golden); err != nil {
			return err
		}
		h := fnv.New64a()
		h.Write(buffer)
		sums[about] = h.Sum64()
		return nil
	}, nil
}

// fixedRegistry gives every schema the same id, so that bytes of two runs can
// be compared.
type fixedRegistry struct{ schema string }

// Register implements codec.Registry.
func (f *fixedRegistry) Register(_ context.Context, _, schema string) (int, error) {
	f.schema = schema
	return 1, nil
}

// Schema implements codec.Registry.
func (f *fixedRegistry) Schema(context.Context, int) (string, error) { return f.schema, nil }

// Check holds what was written against what was planted, as far as it is about
// entities that occur.
func (w *Written) Check(planted map[Finding]string, known func(entity, key string) bool) error {
	missing, invented := 0, 0
	example := Finding{}
	for f, key := range planted {
		if !w.Open[f] && known(f.Entity, key) {
			missing, example = missing+1, f
		}
	}
	for f := range w.Open {
		if _, ok := planted[f]; !ok {
			invented, example = invented+1, f
		}
	}
	if missing+invented > 0 {
		return fmt.Errorf("%d planted contradictions are not found, %d that nobody planted are; for example %s, %s", missing, invented, example.Rule, example.Case)
	}
	return nil
}

// Tee writes records to one topic more, partition by partition.
type Tee struct {
	client *kgo.Client
	topic  string
	mu     sync.Mutex
	failed error
}

// Tee writes to the topic `to` of the site, to nowhere if it is "". It must be closed.
func (s *Site) Tee(to string) (*Tee, error) {
	if to == "" {
		return &Tee{}, nil
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(s.Brokers, ",")...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.SnappyCompression(), kgo.NoCompression()), kgo.MaxBufferedRecords(100_000))
	if err != nil {
		return nil, fmt.Errorf("write to %q: %w", to, err)
	}
	return &Tee{client: client, topic: s.Prefix + to}, nil
}

func (t *Tee) Write(ctx context.Context, r *bus.Record) {
	if t.client == nil {
		return
	}
	t.client.Produce(ctx, &kgo.Record{
		Topic: t.topic, Partition: r.Partition, Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value), Headers: r.Headers, Timestamp: r.Time,
	}, func(_ *kgo.Record, err error) {
		if err != nil {
			t.mu.Lock()
			t.failed = errors.Join(t.failed, err)
			t.mu.Unlock()
		}
	})
}

// Flush waits until all is written, and says what was not.
func (t *Tee) Flush(ctx context.Context) error {
	if t.client == nil {
		return nil
	}
	if err := t.client.Flush(ctx); err != nil {
		return fmt.Errorf("write to %q: %w", t.topic, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// Close disconnects; what was not flushed may be lost.
func (t *Tee) Close() {
	if t.client != nil {
		t.client.Close()
	}
}
