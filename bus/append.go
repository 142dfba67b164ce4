package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
)

// Append writes records outside any transaction and returns when all of them
// are durable on every in-sync replica. Calls that run at the same time share
// their requests. If it fails, which it does after half a minute without a
// broker, some of the records may have been written.
func (b *Bus) Append(ctx context.Context, records ...Record) error {
	ctx, cancel := context.WithTimeout(ctx, kafka.WriteLimit)
	defer cancel()
	made := make([]kgo.Record, len(records))
	var s kafka.Stamp
	for i := range records {
		b.link.Fill(&made[i], &records[i], &s)
	}
	if err := errors.Join(b.link.Write(ctx, made)...); err != nil {
		return fmt.Errorf("append %d records: %w", len(records), kafka.ProduceError(err))
	}
	return nil
}
