package gateway

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/refusal"
)

// Refused says in an answer that a newer row was refused. It holds no value.
type Refused struct {
	Dataset   string      `json:"dataset" doc:"数据集 / dataset"`
	Since     answer.Time `json:"since" nullable:"false" doc:"第一次被退回的行在来源的提交时间 / when the source committed the first row that was refused"`
	Message   string      `json:"message" doc:"中文说明 / in Chinese"`
	MessageEN string      `json:"message_en" doc:"英文说明 / in English"`
	More      bool        `json:"more,omitempty" doc:"该数据集被退回的行多到不再逐行记录，不能断定是否涉及此处 / so many rows of the dataset were refused that they are not kept one by one: whether this is one of them is not known"`
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
	if a.g.marks.book.Empty() {
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
	for _, m := range a.view.Refused(a.g.marks.book, key, a.granted) {
		title := m.Dataset
		if d, err := a.g.parts.Catalogue.Dataset(m.Dataset); err == nil {
			title = d.Title
		}
		one := Refused{
			Dataset: m.Dataset, Since: answer.Time(m.Since), More: m.More,
			Message:   fmt.Sprintf("%s（%s）有更新的行因不合要求被退回，此处仍是退回前的内容；部门更正并重新报送后自动解除", m.Dataset, title),
			MessageEN: fmt.Sprintf("a newer row of %s was refused, so this is what was known before; it settles by itself when the department has sent a good one", m.Dataset),
		}
		if m.More {
			one.Message = fmt.Sprintf("%s（%s）被退回的行过多，不再逐行记录，不能断定此处是否已是最新内容；部门更正并重新报送后自动解除", m.Dataset, title)
			one.MessageEN = fmt.Sprintf("too many rows of %s were refused to keep each of them, so whether this is the newest is not known; it settles by itself when the department has sent good ones", m.Dataset)
		}
		out = append(out, one)
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
		b = answer.AppendString(b, r.MessageEN)
		if r.More {
			b = append(b, `,"more":true`...)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// refusedRows shows of which datasets rows stand refused, made when it is asked for.
type refusedRows struct{ book *refusal.Book }

var refusedRow = prometheus.NewDesc("yiyuan_gateway_refused_rows",
	"Rows of which a newer version was refused and none has been taken since, as far as they are counted (a million in all): what is answered of them is old, and says so.", []string{"dataset"}, nil)

// Describe implements prometheus.Collector.
func (refusedRows) Describe(to chan<- *prometheus.Desc) { to <- refusedRow }

// Collect implements prometheus.Collector.
func (r refusedRows) Collect(to chan<- prometheus.Metric) {
	for _, t := range r.book.Tallies() {
		to <- prometheus.MustNewConstMetric(refusedRow, prometheus.GaugeValue, float64(t.Rows), t.Dataset)
	}
}
