package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/benchmarks/process"
	"github.com/yiyuan-bus/yiyuan/benchmarks/site"
	"github.com/yiyuan-bus/yiyuan/benchmarks/table"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// peer is another engine that does the same job on Kafka.
type peer struct {
	name    string // in the table
	group   string // of its consumers; its topics and its folder begin with it
	state   contract.Topic
	program []string // what starts it, before its arguments; nil = it was not built
	memory  string   // how it is bounded
	goal    string
}

// peers are those that there are figures of, or a row that says why not.
func (b contest) peers() []peer { return []peer{b.kafkaStreams(), b.gokaPeer()} }

func (b contest) kafkaStreams() peer {
	p := peer{name: "Kafka Streams 4.1, EOS v2", group: "streams", state: "streams-dossier-changelog", memory: "-Xmx1g", goal: ">= 5 times; <= 0.25 of its memory"}
	if b.Streams != "" {
		p.program = []string{"java", "-Xmx1g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", b.Streams, "Job"}
	}
	return p
}

func (b contest) gokaPeer() peer {
	p := peer{name: "goka 1.1, at least once", group: "goka", state: "goka-table", memory: "GOGC as it comes"}
	if b.Goka != "" {
		p.program = []string{b.Goka}
	}
	return p
}

func (p peer) outlets() outlets {
	topic := func(s string) contract.Topic { return contract.Topic(p.group + "." + s) }
	return outlets{golden: topic("golden"), shown: topic("shown"), findings: topic("findings"), beside: []contract.Topic{p.state}}
}

// readyPeer makes a peer's topics and returns its arguments: where everything
// is, and of each schema its id and the kind of each column.
func (s *engineSite) readyPeer(ctx context.Context, p peer) ([]string, error) {
	o := p.outlets()
	for _, t := range []contract.Topic{o.golden, o.shown, o.findings} {
		if err := s.Bus.Ensure(ctx, contract.Spec{Topic: t, Compact: true}); err != nil {
			return nil, fmt.Errorf("make the peer's topics: %w", err)
		}
	}
	view, err := s.Catalogue.View(site.Asked)
	if err != nil {
		return nil, fmt.Errorf("find the view: %w", err)
	}
	layouts := map[string]*schemas.Layout{
		"claim": contract.ClaimLayout, "golden": s.Catalogue.Entities[0].ResolvedLayout(), "shown": view.Layout, "finding": contract.FindingLayout,
	}
	subjects := map[string]contract.Topic{"claim": contract.Claims("person"), "golden": contract.Resolved("person"), "shown": contract.Shared(site.Asked), "finding": contract.Findings}
	for _, d := range s.Catalogue.Datasets {
		layouts[d.ID], subjects[d.ID] = d.Layout, contract.Raw(d.ID)
	}
	args := []string{"brokers=" + s.Brokers, "prefix=" + s.Prefix, "key=" + engineKeyHex(), "dir=" + s.peerState(p)}
	for name, l := range layouts {
		w, err := s.Codec.Writer(ctx, subjects[name].Subject(), l)
		if err != nil {
			return nil, fmt.Errorf("register %s: %w", name, err)
		}
		args = append(args, name+"="+strconv.Itoa(w.ID())+":"+columnsOf(l))
	}
	return args, nil
}

// peerState is the folder of a peer's local state.
func (s *engineSite) peerState(p peer) string { return filepath.Join(s.Dir, p.group) }

// columnsOf is a letter a column, as the peers read them.
func columnsOf(l *schemas.Layout) string {
	var b strings.Builder
	for _, c := range l.Columns {
		kind := "s"
		switch c.Type {
		case schemas.Long, schemas.Date, schemas.Timestamp:
			kind = "n"
		case schemas.Rows:
			kind = "r"
		default: // text, or what the peers treat as text
		}
		if c.Nullable {
			kind = strings.ToUpper(kind)
		}
		b.WriteString(kind)
	}
	return b.String()
}

// start starts a peer on its state.
func (p peer) start(ctx context.Context, args []string) (*process.Process, error) {
	return process.Launch(ctx, nil, p.program[0], append(p.program[1:len(p.program):len(p.program)], args...)...)
}

// timePeer runs a peer over the same input and holds it against the same truth.
func (s *engineSite) timePeer(ctx context.Context, p peer, r *engineRun) error {
	args, err := s.readyPeer(ctx, p)
	if err != nil {
		return err
	}
	running, err := p.start(ctx, args)
	if err != nil {
		return err
	}
	defer running.Stop() //nolint:errcheck // told of below where it matters
	one := &peerRun{}
	if one.pace, err = s.pace(ctx, running, p.group, contract.Claims("person"), int64(s.crowd.events()), 10*time.Minute); err != nil {
		return err
	}
	s.Bench.Say("engine on %s: %s %s claims/s, CPU %.1f us a claim, peak RSS %d MiB", s.Name, p.name, table.Count(one.rate()), one.used.CPU.Seconds()*1e6/float64(one.records), one.used.Peak>>20)
	if err := running.Stop(); err != nil {
		return err
	}
	if one.out, err = s.judge(ctx, p.outlets(), ""); err != nil {
		return fmt.Errorf("%s is wrong: %w", p.name, err)
	}
	for t, n := range one.out.by {
		s.Bench.Say("engine on %s: %s wrote %s records to %s", s.Name, p.name, table.Count(n), t)
	}
	r.peers[p.group] = one
	return nil
}

// peerRow sets a peer's figure beside ours of the same rounds. A comparison that
// is missing must not look like one that was never meant: the table says so.
func peerRow(p peer, line string, c crowd, runs []*engineRun) table.Row {
	out := table.Row{What: fmt.Sprintf("the same by %s, %s persons", p.name, table.Count(c.persons)), Broker: line}
	if p.program == nil {
		out.Figure, out.More = "未测 / not run", "it was not built, see engine/"+p.group+"/build"
		return out
	}
	var rate, ours, times, cpu, oursCPU []float64
	var peak, oursPeak int64
	for _, r := range runs {
		one := r.peers[p.group]
		rate, ours = append(rate, one.rate()), append(ours, r.ours.rate())
		times = append(times, r.ours.rate()/one.rate())
		cpu = append(cpu, one.used.CPU.Seconds()*1e6/float64(one.records))
		oursCPU = append(oursCPU, r.ours.used.CPU.Seconds()*1e6/float64(r.ours.records))
		peak, oursPeak = max(peak, one.used.Peak), max(oursPeak, r.ours.used.Peak)
	}
	wrote := runs[0].peers[p.group].out
	out.Figure = fmt.Sprintf("%s claims/s (%s)", table.Count(table.Median(rate)), table.Spread(rate))
	out.Limit = fmt.Sprintf("ours: %s claims/s", table.Count(table.Median(ours)))
	out.Ratio = fmt.Sprintf("ours is %.1f times as fast, with %.2f of its memory", table.Median(times), float64(oursPeak)/float64(peak))
	out.Goal = p.goal
	out.More = fmt.Sprintf("%.1f records out a claim, %.0f MB (ours %.0f MB); CPU %.1f us a claim (ours %.1f), peak RSS %d MiB (%s); digest %s, %s findings open as planted",
		float64(wrote.records)/float64(c.events()), float64(wrote.bytes)/1e6, float64(runs[0].out.bytes)/1e6, table.Median(cpu), table.Median(oursCPU), peak>>20, p.memory, wrote.digest(), table.Count(len(wrote.open)))
	return out
}
