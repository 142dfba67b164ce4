package gateway

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Refused says in an answer that a newer row was refused. It holds no value.
type Refused struct {
	Dataset   string      `json:"dataset" doc:"数据集 / dataset"`
	Since     answer.Time `json:"since" doc:"第一次被退回的行在来源的提交时间 / when the source committed the first row that was refused"`
	Message   string      `json:"message" doc:"中文说明 / in Chinese"`
	MessageEN string      `json:"message_en" doc:"英文说明 / in English"`
}

// refused returns what of the i-th answer is older than what a department says.
func (a *ask) refused(i int) []Refused {
	if a.marks == nil {
		return nil
	}
	return a.marks[i]
}

// refusals returns what of the answers about keys is older than what a department
// says, among the datasets that the granted fields are made of.
func (a *ask) refusals(keys []string) [][]Refused {
	if a.g.refusals.Empty() {
		return nil
	}
	out := make([][]Refused, len(keys))
	for i, key := range keys {
		out[i] = a.refusalsOf(key)
	}
	return out
}

func (a *ask) refusalsOf(key string) []Refused {
	var out []Refused
	for _, m := range a.view.Refused(a.g.refusals, key, a.granted) {
		title := m.Dataset
		if d, err := a.g.parts.Catalogue.Dataset(m.Dataset); err == nil {
			title = d.Title
		}
		out = append(out, Refused{
			Dataset: m.Dataset, Since: answer.Time(m.Since),
			Message:   fmt.Sprintf("%s（%s）有更新的行因不合要求被退回，此处仍是退回前的内容；部门更正并重新报送后自动解除", m.Dataset, title),
			MessageEN: fmt.Sprintf("a newer row of %s was refused, so this is what was known before; it settles by itself when the department has sent a good one", m.Dataset),
		})
	}
	return out
}

// appendRefused appends the member refused.
func appendRefused(b []byte, list []Refused) []byte {
	b = append(b, `"refused":[`...)
	for i, r := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"dataset":`...)
		b = answer.AppendString(b, r.Dataset)
		b = append(b, `,"since":`...)
		b = answer.AppendTime(b, time.Time(r.Since))
		b = append(b, `,"message":`...)
		b = answer.AppendString(b, r.Message)
		b = append(b, `,"message_en":`...)
		b = append(answer.AppendString(b, r.MessageEN), '}')
	}
	return append(b, ']')
}

// followRefused keeps the book of refused rows level with its topic. Where it stands,
// and how long it has waited, as_of is told of: an answer is not called current before
// everything that was refused by then is known.
func (g *Gateway) followRefused(ctx context.Context) error {
	return g.fold(ctx, contract.Refused, func() {
		g.refusals.Reset()
		g.refusedMu.Lock()
		g.refusedAt, g.refusedReader = map[int32]int64{}, g.sessions.Add(1)
		g.refusedMu.Unlock()
		g.refusedWatch.wait(true)
	}, func(ctx context.Context, records []bus.Record) {
		g.refusedWatch.wait(false)
		defer g.refusedWatch.wait(true)
		for i := range records {
			g.takeRefused(ctx, &records[i])
		}
		last := &records[len(records)-1]
		g.refusedMu.Lock()
		defer g.refusedMu.Unlock()
		g.refusedAt[last.Partition] = last.Offset + 1
	})
}

func (g *Gateway) takeRefused(ctx context.Context, r *bus.Record) {
	if r.Value == nil {
		g.refusals.Delete(string(r.Key))
		return
	}
	record, err := g.marked.Decode(ctx, r.Value)
	if err == nil && !g.refusals.Put(string(r.Key), record) {
		err = fmt.Errorf("no digests: %w", schemas.ErrUnknown)
	}
	if err != nil {
		g.skip(string(contract.Refused), "unreadable", r, err)
	}
}

// refusedOffsets is how far the book has been read.
func (g *Gateway) refusedOffsets() map[int32]int64 {
	g.refusedMu.Lock()
	defer g.refusedMu.Unlock()
	return maps.Clone(g.refusedAt)
}
