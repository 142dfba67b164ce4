package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/processors/resolve"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// engineSite is a site whose claims lie in the topic claims.person already: the
// input of every engine.
type engineSite struct {
	*site
	crowd crowd
	truth *truth
}

// newEngineSite makes topics and schemas and writes the input.
func (b *bench) newEngineSite(ctx context.Context, name, brokers string, c crowd) (_ *engineSite, err error) {
	s := &site{b: b, name: name, brokers: brokers, prefix: fmt.Sprintf("bench%x.", time.Now().UnixNano())}
	s.dir = filepath.Join(b.dir, strings.TrimSuffix(s.prefix, "."))
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make site folder: %w", err)
	}
	if s.cat, err = engineCatalogue(); err != nil {
		return nil, err
	}
	if s.keys, err = engineKeys(); err != nil {
		return nil, err
	}
	e := &engineSite{site: s, crowd: c}
	first, err := bus.Open(ctx, bus.Config{Brokers: strings.Split(brokers, ","), Prefix: s.prefix}, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("open bus: %w", err)
	}
	err = first.Ensure(ctx, contract.Spec{Topic: contract.Schemas, Partitions: 1, Compact: true})
	first.Close()
	if err != nil {
		return nil, fmt.Errorf("make the schema topic: %w", err)
	}
	if err := s.look(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(ctx))
		}
	}()
	if err := s.bus.Ensure(ctx, engineTopics(s)...); err != nil {
		return nil, fmt.Errorf("make topics: %w", err)
	}
	if e.truth, err = c.truth(s.cat, s.keys); err != nil {
		return nil, err
	}
	return e, e.produce(ctx)
}

func engineTopics(s *site) []contract.Spec {
	specs := []contract.Spec{
		{Topic: contract.Claims("person"), Retention: -1},
		{Topic: contract.Findings, Compact: true},
		{Topic: contract.Refused, Compact: true},
		{Topic: contract.Quarantine, Retention: -1},
		{Topic: contract.Resolved("person"), Compact: true},
	}
	for _, v := range s.cat.Entities[0].Views {
		specs = append(specs, contract.Spec{Topic: contract.Shared(v.ID), Compact: true})
	}
	return append(specs, processors.Specs(resolve.New(s.cat, s.codec, s.keys, "person"))...)
}

// produce writes the claims as the step route would.
func (s *engineSite) produce(ctx context.Context) error {
	began := time.Now()
	claims, rows, err := s.writers(ctx)
	if err != nil {
		return err
	}
	const batch = 10_000
	var bytes int
	for from := 0; from < s.crowd.events(); from += batch {
		records := make([]bus.Record, 0, batch)
		for j := from; j < min(from+batch, s.crowd.events()); j++ {
			r, err := s.claim(j, claims, rows)
			if err != nil {
				return err
			}
			bytes += len(r.Key) + len(r.Value)
			records = append(records, r)
		}
		if err := s.bus.Append(ctx, records...); err != nil {
			return fmt.Errorf("write claims: %w", err)
		}
	}
	s.b.say("engine on %s: %s claims of %d bytes about %s persons written in %s", s.name, count(s.crowd.events()), bytes/s.crowd.events(), count(s.crowd.persons), since(began))
	return nil
}

// writers are those of claims and of the departments' rows.
func (s *engineSite) writers(ctx context.Context) (claims *codec.Writer, rows map[string]*codec.Writer, err error) {
	if claims, err = s.codec.Writer(ctx, contract.Claims("person").Subject(), contract.ClaimLayout); err != nil {
		return nil, nil, fmt.Errorf("register claims: %w", err)
	}
	rows = map[string]*codec.Writer{}
	for _, d := range s.cat.Datasets {
		if rows[d.ID], err = s.codec.Writer(ctx, contract.Raw(d.ID).Subject(), d.Layout); err != nil {
			return nil, nil, fmt.Errorf("register %s: %w", d.ID, err)
		}
	}
	return claims, rows, nil
}

// claim is the j-th record of the input.
func (s *engineSite) claim(j int, claims *codec.Writer, rows map[string]*codec.Writer) (bus.Record, error) {
	person, kind := s.crowd.event(j)
	said, key, at := s.crowd.says(person, kind), s.crowd.key(person), engineStart.Add(time.Duration(j)*time.Millisecond)
	w := rows[said.dataset]
	value, err := w.Append(nil, schemas.NewRecord(w.Layout(), said.values))
	if err != nil {
		return bus.Record{}, fmt.Errorf("write a row of %s: %w", said.dataset, err)
	}
	c := claim.Claim{
		Dataset: said.dataset, Row: key, Source: "bench-" + said.dataset, Sequence: schemas.Sequence{Major: said.major}, At: at, Value: string(value),
	}
	if value, err = claims.Append(nil, c.Record()); err != nil {
		return bus.Record{}, fmt.Errorf("write a claim: %w", err)
	}
	return bus.Record{Topic: contract.Claims("person"), Partition: bus.ByKey, Key: []byte(key), Value: value, Time: at}, nil
}
