package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// streamsGroup is the consumer group of the Kafka Streams peer.
const streamsGroup = "streams"

func streamsOutlets() outlets {
	return outlets{golden: "streams.golden", shown: "streams.shown", findings: "streams.findings", beside: []bus.Topic{"streams-dossier-changelog"}}
}

// readyStreams makes the peer's topics and writes down what it has to know of
// the schemas: of each its id and the kind of each column.
func (s *engineSite) readyStreams(ctx context.Context) ([]string, error) {
	o := streamsOutlets()
	for _, t := range []bus.Topic{o.golden, o.shown, o.findings} {
		if err := s.bus.Ensure(ctx, bus.Spec{Topic: t, Compact: true}); err != nil {
			return nil, fmt.Errorf("make the peer's topics: %w", err)
		}
	}
	view, err := s.cat.View(asked)
	if err != nil {
		return nil, fmt.Errorf("find the view: %w", err)
	}
	layouts := map[string]*schemas.Layout{
		"claim": claim.Layout, "golden": s.cat.Entities[0].ResolvedLayout(), "shown": view.Layout, "finding": schemas.FindingLayout,
	}
	subjects := map[string]bus.Topic{"claim": bus.Claims("person"), "golden": bus.Resolved("person"), "shown": bus.Shared(asked), "finding": bus.Findings}
	for _, d := range s.cat.Datasets {
		layouts[d.ID], subjects[d.ID] = d.Layout, bus.Raw(d.ID)
	}
	args := []string{"brokers=" + s.brokers, "prefix=" + s.prefix, "key=" + engineKeyHex(), "dir=" + filepath.Join(s.dir, "streams")}
	for name, l := range layouts {
		w, err := s.codec.Writer(ctx, string(subjects[name])+"-value", l)
		if err != nil {
			return nil, fmt.Errorf("register %s: %w", name, err)
		}
		args = append(args, name+"="+strconv.Itoa(w.ID())+":"+program(l))
	}
	return args, nil
}

// program is a letter a column, as the peer reads it.
func program(l *schemas.Layout) string {
	var b strings.Builder
	for _, c := range l.Columns {
		kind := "s"
		switch c.Type {
		case schemas.Long, schemas.Date, schemas.Timestamp:
			kind = "n"
		case schemas.Rows:
			kind = "r"
		}
		if c.Nullable {
			kind = strings.ToUpper(kind)
		}
		b.WriteString(kind)
	}
	return b.String()
}

// startStreams starts the peer on its state.
func (s *engineSite) startStreams(ctx context.Context, args []string) (*process, error) {
	return launch(ctx, nil, "java", append([]string{"-Xmx1g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", s.b.streams, "Job"}, args...)...)
}

// timeStreams runs the peer over the same input and holds it against the same
// truth.
func (s *engineSite) timeStreams(ctx context.Context, r *engineRun) error {
	args, err := s.readyStreams(ctx)
	if err != nil {
		return err
	}
	p, err := s.startStreams(ctx, args)
	if err != nil {
		return err
	}
	defer p.stop() //nolint:errcheck // told of below where it matters
	one := &peerRun{}
	if one.pace, err = s.pace(ctx, p, streamsGroup, bus.Claims("person"), int64(s.crowd.events()), 10*time.Minute); err != nil {
		return err
	}
	s.b.say("engine on %s: Kafka Streams %s claims/s, CPU %.1f us a claim, peak RSS %d MiB", s.name, count(one.rate()), one.used.cpu.Seconds()*1e6/float64(one.records), one.used.peak>>20)
	if err := p.stop(); err != nil {
		return err
	}
	if one.out, err = s.judge(ctx, streamsOutlets(), ""); err != nil {
		return fmt.Errorf("kafka streams is wrong: %w", err)
	}
	for t, n := range one.out.by {
		s.b.say("engine on %s: Kafka Streams wrote %s records to %s", s.name, count(n), t)
	}
	r.streams = one
	return nil
}
