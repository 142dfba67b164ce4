package site

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

var quiet = slog.New(slog.DiscardHandler)

// People is how the rows of a benchmark are made: the first blocks of a city of
// that size, each twenty people with their families, work, homes and firms.
type People struct {
	Size   string
	Blocks int // 0 = all
	Skip   string
}

// WholeBlocks is what a part of the sample city must be a multiple of to contradict
// itself only where that was planted: there are large employers with people in a
// thousand blocks.
const WholeBlocks = 1000

func (p People) options(department string) synthetic.Options {
	return synthetic.Options{Seed: 7, Size: p.Size, Department: department, End: true, Batch: 1}
}

// Produce writes the departments' rows to the raw topics, by the connectors'
// own runner, and returns how many changes there are.
func (s *Site) Produce(ctx context.Context, p People) (int64, error) {
	var changes atomic.Int64
	metrics := prometheus.NewRegistry()
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, department := range synthetic.Departments() {
		cfg := connectors.Config{
			Name: "bench-" + department, Kind: "synthetic", Options: p.options(department).Map(), Keys: s.Keys, Metrics: metrics, Catalogue: s.Catalogue,
		}
		for _, d := range s.Catalogue.Datasets {
			if d.Provider.ID == department && d.ID != p.Skip {
				cfg.Datasets = append(cfg.Datasets, d)
			}
		}
		open := func(ctx context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
			src, err := synthetic.Open(ctx, cfg, after)
			if err != nil {
				return nil, err
			}
			return &part{Source: src, blocks: p.Blocks, changes: &changes}, nil
		}
		group.Go(func() error { return connectors.Run(running, s.Bus, s.Codec, cfg, open) })
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	return changes.Load(), ctx.Err() // a runner whose context ends returns nil
}

// part is a source that ends before a block, and sends its changes in batches
// of a useful size. Whole blocks are what the truth can be told of.
type part struct {
	connectors.Source
	blocks  int
	changes *atomic.Int64
	ended   bool
}

const partBatch = 2000

// Read implements connectors.Source. The inner source sends one change a read,
// so that its position says of which block the change is.
func (p *part) Read(ctx context.Context) (connectors.Batch, error) {
	var all connectors.Batch
	for !p.ended && len(all.Changes) < partBatch {
		one, err := p.Source.Read(ctx)
		if err == io.EOF {
			p.ended = true
			break
		}
		if err != nil {
			return all, err
		}
		var at struct{ Step, Skip int }
		if err := json.Unmarshal([]byte(one.After), &at); err != nil {
			return all, fmt.Errorf("read position: %w", err)
		}
		if p.blocks > 0 && at.Step >= p.blocks && (at.Skip > 0 || at.Step > p.blocks) {
			p.ended = true
			break
		}
		all.Changes, all.Rejections = append(all.Changes, one.Changes...), append(all.Rejections, one.Rejections...)
		all.After, all.State = one.After, one.State
	}
	if len(all.Changes) == 0 && len(all.Rejections) == 0 && p.ended {
		return all, io.EOF
	}
	p.changes.Add(int64(len(all.Changes)))
	return all, nil
}

// Planted reads from the truth which contradictions must be found, by what
// names a finding on the wire.
func (s *Site) Planted(p People) (map[Finding]string, error) {
	r, w := io.Pipe()
	defer r.Close() //nolint:errcheck // a pipe's never fails
	go func() {
		o := p.options("")
		o.Rows = false
		_ = w.CloseWithError(synthetic.WriteTruth(w, o)) // never fails; the reader gets the error
	}()
	out := map[Finding]string{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var line struct {
			Type string
			world.Finding
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("read truth: %w", err)
		}
		if line.Type == "finding" {
			f := Finding{line.Rule, line.Case, line.Entity, s.Keys.Token(contract.LabelFinding, line.Key)}
			out[f] = line.Key
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read truth: %w", err)
	}
	return out, nil
}

// Finding is what names a contradiction: rule, case, kind of entity, and the
// entity's token.
type Finding struct{ Rule, Case, Entity, Subject string }

// Since is for progress lines.
func Since(t time.Time) string { return time.Since(t).Round(100 * time.Millisecond).String() }
