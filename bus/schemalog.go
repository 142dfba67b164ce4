package bus

import (
	"context"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// SchemaLog is the topic _schemas as the embedded registry reads and writes it.
type SchemaLog struct{ bus *Bus }

// SchemaLog returns the log of schemas.
func (b *Bus) SchemaLog() SchemaLog { return SchemaLog{b} }

// Append writes one record and returns when it is durable.
func (l SchemaLog) Append(ctx context.Context, key, value []byte) error {
	return l.bus.Append(ctx, Record{Topic: contract.Schemas, Partition: 0, Key: key, Value: value})
}

// Replay reads the log from its start to its end as of the call.
func (l SchemaLog) Replay(ctx context.Context, fn func(key, value []byte) error) error {
	return l.bus.Replay(ctx, contract.Schemas, func(r Record) error { return fn(r.Key, r.Value) })
}

// Follow reads the log from its start and goes on until ctx ends.
func (l SchemaLog) Follow(ctx context.Context, fn func(key, value []byte) error) error {
	return l.bus.Follow(ctx, FollowConfig{Topics: []contract.Topic{contract.Schemas}}, func(_ context.Context, records []Record) error {
		for _, r := range records {
			if err := fn(r.Key, r.Value); err != nil {
				return err
			}
		}
		return nil
	})
}
