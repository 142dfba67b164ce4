package bus

import (
	"context"
	"strconv"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Retain sets how long a topic that is not compacted keeps its records, negative = for
// ever. Ensure leaves that of a topic that is there as it is.
func (b *Bus) Retain(ctx context.Context, t contract.Topic, d time.Duration) error {
	ms := int64(-1)
	if d >= 0 {
		ms = d.Milliseconds()
	}
	return b.alter(ctx, b.name(t), "retention.ms", strconv.FormatInt(ms, 10))
}
