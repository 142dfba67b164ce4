package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// listenEvery is how often the doctor looks whether a source has spoken again; an
// idle one does so every two seconds.
const listenEvery = 500 * time.Millisecond

// said is what a source last said of itself.
type said struct {
	status contract.SourceStatus
	at     time.Time     // by the broker's clock
	age    time.Duration // see contract.Known
}

// states judges every source by the one word that the command source ls, /v1/flow,
// the console and the metric say too.
func (d *doctor) states(ctx context.Context, b *bus.Bus) []Finding {
	var err error
	if d.said, err = listen(ctx, b); err != nil {
		return []Finding{unanswered("sources.states", err)}
	}
	bound := map[string]bool{}
	for _, s := range d.sources {
		bound[s.Name] = true
	}
	var found []Finding
	for _, name := range slices.Sorted(maps.Keys(d.awaits)) {
		found = append(found, warning(StateCheck(name), contract.StateWaiting+": "+d.awaits[name].Why, d.awaits[name].Do))
	}
	for _, name := range slices.Sorted(maps.Keys(d.said)) {
		if _, waits := d.awaits[name]; waits && !d.said[name].status.Stop {
			continue
		}
		found = append(found, checkSource(name, d.said[name], bound[name] || d.cfg.Sources == ""))
	}
	for _, s := range d.sources {
		_, waits := d.awaits[s.Name]
		if _, ok := d.said[s.Name]; !ok && !waits {
			found = append(found, warning(StateCheck(s.Name), "从未运行过，它的数据集都没有数据 / it has never run, its datasets have no data", "yiyuan run --role connectors"))
		}
	}
	return append(append(append(found, d.waiting()), d.unfed()...), d.leftBehind()...)
}

// leftBehind tells of datasets that went from one source to another: rows that only the
// former brought stand until the other is read again.
func (d *doctor) leftBehind() []Finding {
	sources := map[string]contract.SourceStatus{}
	for name, s := range d.said {
		sources[name] = s.status
	}
	var found []Finding
	for _, former := range slices.Sorted(maps.Keys(sources)) {
		was := sources[former]
		for _, id := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(was.Datasets, was.Left)))) {
			heir := contract.SoleFeeder(sources, id)
			if heir == "" || heir == former || was.Rows == 0 {
				continue
			}
			kind, _ := wiring.EveryKind().Find(sources[heir].Kind) // one that is not known can be read again, for all that we know
			if rows, done := sources[heir].Inherited[former]; !done || rows != was.Rows {
				found = append(found, warning("source."+former+".left."+id,
					fmt.Sprintf("数据集 %s 已由 %s 改归 %s，%s 单独带来过的行仍在 / dataset %s went from %s to %s, and rows that only %s has brought still stand", id, former, heir, former, id, former, heir, former),
					cmp.Or(kind.Reread.Cannot, contract.ResyncCommand(heir))))
			}
		}
	}
	return found
}

// unfed tells of datasets that nothing brings: no file of the folder binds them, no source
// that runs elsewhere has said that it feeds them, and nobody has said that they are not
// connected here.
func (d *doctor) unfed() []Finding {
	if !d.cfg.Has(settings.RoleConnectors) || d.cfg.Sources == "" || !d.bound {
		return nil
	}
	fed := map[string]bool{}
	for _, id := range d.cfg.Gateway.Unconnected {
		fed[id] = true
	}
	bindings := slices.Clone(d.sources)
	for _, w := range d.awaits {
		bindings = append(bindings, w.Config)
	}
	for _, s := range bindings {
		for _, set := range s.Datasets {
			fed[set.ID] = true
		}
	}
	for _, s := range d.said {
		for _, id := range s.status.Datasets { // what a retired one has brought whole is there
			fed[id] = fed[id] || s.status.State != contract.StateRetired || slices.Contains(s.status.Complete, id)
		}
	}
	var none []string
	for _, set := range d.cat.Datasets {
		if !fed[set.ID] {
			none = append(none, set.ID)
		}
	}
	if len(none) == 0 {
		return []Finding{fine("datasets.sources", "每个数据集都有数据源，或已声明不接入 / every dataset has a source, or is said not to be connected")}
	}
	slices.Sort(none)
	return []Finding{warning("datasets.sources",
		fmt.Sprintf("%d 个数据集没有任何数据源，不会有数据：%s / %d datasets have no source at all and stay without data: %s", len(none), terminal.Some(none), len(none), terminal.Some(none)),
		fmt.Sprintf("把它们的数据源文件放进 %s 再启动；本部署不接入的写进 gateway.unconnected / put files of their sources into %s and start; name those that are not connected here in gateway.unconnected", d.cfg.Sources, d.cfg.Sources))}
}

// waiting tells which rules are not judged yet.
func (d *doctor) waiting() Finding {
	complete := map[string]bool{}
	for _, s := range d.said {
		for _, id := range s.status.Announced {
			complete[id] = true
		}
	}
	rules, datasets := map[string]bool{}, map[string]bool{}
	for _, w := range d.waits {
		for _, id := range w.Datasets {
			if !complete[id] {
				rules[w.Rule], datasets[id] = true, true
			}
		}
	}
	if len(rules) == 0 {
		return fine("rules.waiting", "规则都在核验 / all rules are judged")
	}
	zh, en := terminal.Some(slices.Sorted(maps.Keys(rules))), terminal.Some(slices.Sorted(maps.Keys(datasets)))
	return warning("rules.waiting", fmt.Sprintf("%d 条规则（%s）暂不核验，因为数据集 %s 尚无第一份完整数据 / %d rules (%s) are not judged yet, because no complete copy of %s has come", len(rules), zh, en, len(rules), zh, en),
		"接入这些数据集，或等其首次交付到齐 / connect these datasets, or wait until their first delivery is complete")
}

// StateCheck is the check under which the state of a source is told.
func StateCheck(source string) string { return "source." + source + ".state" }

// checkSource judges one source. One that no file binds is run by nobody.
func checkSource(name string, s said, bound bool) Finding {
	check, w := StateCheck(name), s.status.Word(name, contract.Known{Age: s.age})
	text := w.State
	if w.Why != "" {
		text += ": " + w.Why
	}
	switch {
	case !bound && contract.StandsStill(w.State) && w.State != contract.StateRetired:
		return problemFound(check, text+"；没有文件绑定它，它的数据集却仍在等它 / no file binds it, and its datasets still wait for it",
			"把 "+name+".yaml 放回数据源目录，或 / put "+name+".yaml back into the folder of sources, or: yiyuan source retire "+name)
	case w.State == contract.StateFailed, w.State == contract.StateHeld, w.State == contract.StateSilent:
		return problemFound(check, text, w.Do)
	case w.State == contract.StateStopped, w.State == contract.StateWaiting:
		return warning(check, text, w.Do)
	case w.State != contract.StateRetired && len(s.status.Returned) > 0:
		return warning(check, fmt.Sprintf("%s，这些数据集撤下后又回到目录，以前交付的不再算数 / these datasets had left the catalogue and are back, what was delivered before counts no more: %s", text, terminal.Some(s.status.Returned)),
			contract.ResyncCommand(name)+"；推送的，请部门把全部行再推一次 / or, where a department pushes, have it push all its rows once more")
	case w.State != contract.StateRetired && len(s.status.Awaited) > 0:
		return warning(check, fmt.Sprintf("%s，首次交付尚未到齐 / the first delivery has not come whole yet: %s", text, terminal.Some(s.status.Awaited)), "请部门交付 / have the department deliver it")
	}
	if w.Do != "" { // it goes on, and something of it waits for an answer
		return warning(check, text, w.Do)
	}
	return fine(check, fmt.Sprintf("%s，%d 行 / %d rows", text, s.status.Rows, s.status.Rows))
}

// listen reads what every source last said, and waits until all that say they work
// have spoken once more, or have been silent for too long. Only the broker's clock,
// between records, and our own, between readings, tell how long that was.
func listen(ctx context.Context, b *bus.Bus) (map[string]said, error) {
	began := time.Now()
	first, newest, err := statusesOf(ctx, b)
	if err != nil {
		return nil, err
	}
	last := first
	for {
		waiting := false
		for name, s := range last {
			s.age = max(newest.Sub(s.at), 0)
			if !s.at.After(first[name].at) {
				s.age = max(s.age, time.Since(began))
				waiting = waiting || s.age <= contract.Silence && works(s.status)
			}
			last[name] = s
		}
		if !waiting {
			return last, nil
		}
		timer := time.NewTimer(listenEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("listen to sources: %w", ctx.Err())
		case <-timer.C:
		}
		if last, newest, err = statusesOf(ctx, b); err != nil {
			return nil, err
		}
	}
}

// works reports whether a source with that status must say something every two seconds.
func works(s contract.SourceStatus) bool {
	w := s.Word("", contract.Known{Age: contract.Silence + 1})
	return w.State == contract.StateSilent
}

// statusesOf reads the topic sources, and when its youngest record was written.
func statusesOf(ctx context.Context, b *bus.Bus) (all map[string]said, newest time.Time, err error) {
	all = map[string]said{}
	err = b.Peek(ctx, contract.Sources, func(r bus.Record) error {
		if r.Time.After(newest) {
			newest = r.Time
		}
		name := string(r.Key)
		if r.Value == nil {
			delete(all, name)
			return nil
		}
		var s contract.SourceStatus
		if err := json.Unmarshal(r.Value, &s); err != nil {
			return fmt.Errorf("read the status of %q: %w", name, errors.Join(errNoAnswer, err))
		}
		all[strings.Clone(name)] = said{status: s, at: r.Time}
		return nil
	})
	return all, newest, err
}
