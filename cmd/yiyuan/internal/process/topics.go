package process

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// A topic that somebody deletes is made again, empty, by whoever starts or writes next: what
// stood in it is not there, and nothing in the log says so. So the bus remembers by which id
// the brokers know each topic (contract.Identities), and a start compares.

// bindTopics looks whether the topics are those of before. Where one was lost whose content
// the steps can say again, the catalogue in force begins once more, so that they do; where
// positions of sources or the state of steps are lost it refuses to go on.
func (a *Process) bindTopics(ctx context.Context) error {
	lost, known, err := Lost(ctx, a.Bus)
	if err != nil {
		return err
	}
	a.topics = known
	own := map[contract.Topic]bool{contract.State(contract.Route): true}
	for _, s := range wiring.Topics(a.Catalogue, nil) {
		own[s.Topic] = true
	}
	for _, e := range a.Catalogue.Entities {
		own[contract.State(contract.Resolve(e.ID))] = true
	}
	lost = slices.DeleteFunc(lost, func(t contract.Topic) bool { return !own[t] }) // of a dataset, say, that there is no more
	if len(lost) == 0 {
		return nil
	}
	if err := a.stateLost(ctx, lost); err != nil {
		return err
	}
	var again, raw, other []contract.Topic
	for _, t := range lost {
		switch family, _ := t.Family(); {
		case t.Republished():
			again = append(again, t)
		case family == contract.FamilyRaw:
			raw = append(raw, t)
		case t == contract.Catalogues:
			for _, v := range a.Catalogue.Views() { // nobody knows any more what they showed before
				again = append(again, contract.Shared(v.ID))
			}
			other = append(other, t)
		default:
			other = append(other, t)
		}
	}
	if len(raw) > 0 {
		a.Log.Error("topics of rows were deleted and made anew: rows that were not taken in yet are gone, read their sources again by yiyuan source resync NAME, or have what was pushed pushed again", "topics", raw)
	}
	if len(other) > 0 {
		a.Log.Error("topics were deleted and made anew: what stood in them is gone", "topics", other)
	}
	if len(again) == 0 {
		return nil
	}
	a.Log.Error("topics were deleted and made anew: all that is shared is published again in the background; until then who is not found in their views is answered 503, not 404", "topics", again)
	return a.beginAgain(ctx, slices.Compact(slices.Sorted(slices.Values(again))))
}

// catalogueLost refuses where none is in force on a bus that had one: who starts first would
// else show what the folder of this machine says.
func (a *Process) catalogueLost(ctx context.Context) error {
	_, known, err := Lost(ctx, a.Bus)
	if err != nil || known[contract.Catalogues] == "" {
		return err
	}
	return fmt.Errorf("主题 %[1]q 被删除，总线上没有生效的目录了，不知道什么可以公开，所以不启动。先看 yiyuan plan，再运行 yiyuan apply 使目录文件夹 %[2]q 生效，然后启动：共享的内容全部重新发布 / "+
		"the topic %[1]q was deleted, no catalogue is in force on this bus any more, and nobody knows what may be shown, so nothing starts. Look at yiyuan plan, put the folder %[2]q in force by yiyuan apply, then start: all that is shared is published again: %[3]w", contract.Catalogues, a.cfg.Catalogue, bus.ErrConfig)
}

// stateLost refuses where topics are lost and empty whose content nobody can say again: with
// their content, from a copy, they may be other topics than before.
func (a *Process) stateLost(ctx context.Context, lost []contract.Topic) error {
	var vital []contract.Topic
	for _, t := range lost {
		if !t.Fenced() {
			continue
		}
		empty, err := a.empty(ctx, t)
		if err != nil {
			return err
		}
		if empty {
			vital = append(vital, t)
			continue
		}
		a.Log.Warn("a topic that holds state is another than before, and not empty: it is taken to have been brought back with its records", "topic", t)
	}
	if len(vital) == 0 {
		return nil
	}
	names := some(vital)
	return fmt.Errorf("主题被删除或重建，其中是数据源的位置或处理的状态，现在是空的：%[1]s。继续运行会给出错误的结果，所以不启动。从副本恢复这些主题（含原有的记录），或改用新的 bus.prefix，把全部数据源从头接入 / "+
		"topics were deleted or made anew and are empty that held positions of sources or the state of steps: %[1]s. Going on would give wrong answers, so nothing starts. Bring them back with their records from a copy, or begin a new bus under another bus.prefix and have all sources read from the start: %[2]w", names, bus.ErrConfig)
}

func (a *Process) empty(ctx context.Context, t contract.Topic) (bool, error) {
	switch _, err := a.Bus.Partitions(ctx, t); {
	case errors.Is(err, cluster.ErrNoTopic):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("look whether topic %q is empty: %w", t, err)
	}
	ends, err := a.Bus.EndOffsets(ctx, t)
	if err != nil {
		return false, fmt.Errorf("look whether topic %q is empty: %w", t, err)
	}
	for _, end := range ends[t] {
		if end > 0 {
			return false, nil
		}
	}
	return true, nil
}

// beginAgain has the catalogue in force begin once more.
func (a *Process) beginAgain(ctx context.Context, lost []contract.Topic) error {
	f, err := ReadInForce(ctx, a.Bus, a.Bus.Replay)
	if err != nil {
		return err
	}
	value, err := f.Again(lost, User(), time.Now().UnixMilli()).Append()
	if err != nil {
		return err
	}
	past, err := putInForce(ctx, a.Bus, value)
	if err != nil {
		return err
	}
	if now := InForce(past); now.Version != a.Catalogue.Version {
		return fmt.Errorf("启动时另一目录 %[1]s 生效：请再启动一次 / another catalogue, %[1]s, came into force during this start: start again: %[2]w", now.Version, bus.ErrConfig)
	}
	a.Catalogue.Lineage = Lineage(a.Catalogue, past)
	return nil
}

// rememberTopics writes down by which ids the brokers know the topics that there are now.
func (a *Process) rememberTopics(ctx context.Context) error {
	var topics []contract.Topic
	for _, s := range wiring.Topics(a.Catalogue, a.Steps) {
		topics = append(topics, s.Topic)
	}
	now, err := a.Bus.Identities(ctx, topics...)
	if err != nil {
		return err
	}
	before := a.topics
	all := contract.Identities{}
	maps.Copy(all, before)
	maps.Copy(all, now)
	a.topics = now
	if maps.Equal(all, before) {
		return nil
	}
	if err := a.inscribe(ctx, contract.IdentitiesKey, all); err != nil {
		return fmt.Errorf("remember the topics: %w", err)
	}
	return nil
}

// sameTopics reports topics that were made anew since this process started. One that is
// missing is told by who writes into it.
func (a *Process) sameTopics(ctx context.Context) error {
	now, err := a.Bus.Identities(ctx, slices.Collect(maps.Keys(a.topics))...)
	if err != nil {
		return err
	}
	if lost := slices.DeleteFunc(a.topics.Lost(now), func(t contract.Topic) bool { return now[t] == "" }); len(lost) > 0 {
		return lostHere(lost)
	}
	return nil
}

// Lost returns which topics of the bus are not there, or not those of before, and what is
// remembered of all.
func Lost(ctx context.Context, b *bus.Bus) ([]contract.Topic, contract.Identities, error) {
	var known contract.Identities
	switch _, err := b.Partitions(ctx, contract.Bus); {
	case errors.Is(err, cluster.ErrNoTopic):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	}
	err := b.Peek(ctx, contract.Bus, func(r bus.Record) (err error) {
		if string(r.Key) == contract.IdentitiesKey && r.Value != nil {
			known, err = contract.ParseIdentities(r.Value)
		}
		return err
	})
	if err != nil || len(known) == 0 {
		return nil, known, err
	}
	now, err := b.Identities(ctx, slices.Collect(maps.Keys(known))...)
	if err != nil {
		return nil, known, err
	}
	return known.Lost(now), known, nil
}
