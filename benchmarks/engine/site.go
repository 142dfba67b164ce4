package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/benchmarks/site"
	"github.com/yiyuan-bus/yiyuan/benchmarks/table"
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
	*site.Site
	crowd crowd
	truth *truth
}

// newEngineSite makes topics and schemas and writes the input.
func (b contest) newEngineSite(ctx context.Context, name, brokers string, c crowd) (_ *engineSite, err error) {
	s := &site.Site{Bench: b.Bench, Name: name, Brokers: brokers, Prefix: fmt.Sprintf("bench%x.", time.Now().UnixNano())}
	s.Dir = filepath.Join(b.Dir, strings.TrimSuffix(s.Prefix, "."))
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make site folder: %w", err)
	}
	if s.Catalogue, err = engineCatalogue(); err != nil {
		return nil, err
	}
	if s.Keys, err = engineKeys(); err != nil {
		return nil, err
	}
	e := &engineSite{Site: s, crowd: c}
	first, err := bus.Open(ctx, bus.Config{Brokers: strings.Split(brokers, ","), Prefix: s.Prefix}, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("open bus: %w", err)
	}
	err = first.Ensure(ctx, contract.Spec{Topic: contract.Schemas, Partitions: 1, Compact: true})
	first.Close()
	if err != nil {
		return nil, fmt.Errorf("make the schema topic: %w", err)
	}
	if err := s.Look(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close(ctx))
		}
	}()
	if err := s.Bus.Ensure(ctx, engineTopics(s)...); err != nil {
		return nil, fmt.Errorf("make topics: %w", err)
	}
	if e.truth, err = c.truth(s.Catalogue, s.Keys); err != nil {
		return nil, err
	}
	return e, e.produce(ctx)
}

func engineTopics(s *site.Site) []contract.Spec {
	specs := []contract.Spec{
		{Topic: contract.Claims("person"), Retention: -1},
		{Topic: contract.Findings, Compact: true},
		{Topic: contract.Refused, Compact: true},
		contract.BusSpec,
		{Topic: contract.Quarantine, Retention: -1},
		{Topic: contract.Resolved("person"), Compact: true},
	}
	for _, v := range s.Catalogue.Entities[0].Views {
		specs = append(specs, contract.Spec{Topic: contract.Shared(v.ID), Compact: true})
	}
	return append(specs, processors.Specs(resolve.New(s.Catalogue, s.Codec, s.Keys, "person"))...)
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
		if err := s.Bus.Append(ctx, records...); err != nil {
			return fmt.Errorf("write claims: %w", err)
		}
	}
	s.Bench.Say("engine on %s: %s claims of %d bytes about %s persons written in %s", s.Name, table.Count(s.crowd.events()), bytes/s.crowd.events(), table.Count(s.crowd.persons), site.Since(began))
	return nil
}

// writers are those of claims and of the departments' rows.
func (s *engineSite) writers(ctx context.Context) (claims *codec.Writer, rows map[string]*codec.Writer, err error) {
	if claims, err = s.Codec.Writer(ctx, contract.Claims("person").Subject(), contract.ClaimLayout); err != nil {
		return nil, nil, fmt.Errorf("register claims: %w", err)
	}
	rows = map[string]*codec.Writer{}
	for _, d := range s.Catalogue.Datasets {
		if rows[d.ID], err = s.Codec.Writer(ctx, contract.Raw(d.ID).Subject(), d.Layout); err != nil {
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
