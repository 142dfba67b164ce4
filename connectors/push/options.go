package push

import (
	"strconv"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
)

type options struct {
	Entries int
	Window  time.Duration
	Absent  connectors.Absent
	Empty   []string
}

// Declare implements option.Declarer.
func (o *options) Declare(l *option.List) {
	l.Add(&o.Entries, "idempotency_entries", "不论多旧都记住最近多少个幂等键", "how many of the last idempotency keys are remembered however old they are").
		Default(1000).Least("1").Most(strconv.Itoa(maxEntries))
	l.Add(&o.Window, "idempotency_window", "每个幂等键记住多久，总数超过 20,000 时除外", "how long any idempotency key is remembered, but for more than 20,000 of them").Default("24h").Least("1ns")
	l.Add(&o.Absent, "absent", "一行缺少可空字段是什么意思：keep（没有送，已知的保留）或 null", "what it means that a row lacks a nullable field: keep (it was not sent: what is known stays) or null").
		Default("keep").Must(func() bool { return len(o.Absent.Fields) == 0 }, " keep 或 null", "keep or null")
	l.Add(&o.Empty, "empty", "可以一行也没有的数据集。别的数据集在首行推来之前，不会答“查无”", "the datasets that may have no rows at all. Until a first row of any other is pushed, nobody is said not to be in it")
}

// maxEntries bounds the ledger: it is written with every batch.
const maxEntries = 20_000
