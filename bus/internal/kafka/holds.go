package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Holds asks the broker of a partition whether it has any record from an offset on, up to an
// end, be it of the protocol's. Where that cannot be told now, because the partition moves or its
// broker does not answer, it may: the caller asks again.
func (l *Link) Holds(ctx context.Context, t contract.Topic, partition int32, at, end int64) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, WriteLimit)
	defer cancel()
	listed, err := l.Admin.Metadata(ctx, l.Name(t))
	if err != nil {
		return true, ignoreTrouble(ctx, fmt.Errorf("look where %q/%d is: %w", t, partition, err))
	}
	topic := listed.Topics[l.Name(t)]
	where, ok := topic.Partitions[partition]
	if topic.Err != nil || !ok || where.Err != nil {
		return true, nil
	}
	for at < end {
		next, holds, err := l.batches(ctx, where.Leader, topic.ID, l.Name(t), partition, at)
		if err != nil {
			return true, ignoreTrouble(ctx, fmt.Errorf("look what %q/%d holds at %d: %w", t, partition, at, err))
		}
		if holds || next <= at {
			return holds, nil
		}
		at = next
	}
	return false, nil
}

// ignoreTrouble is nil for what passes by itself.
func ignoreTrouble(ctx context.Context, err error) error {
	if ctx.Err() != nil || Retriable(err) {
		return nil //nolint:nilerr // it passes by itself, and the caller asks again
	}
	return err
}

// batches reads what lies at an offset: whether there is any record from there on, and the
// offset behind it; compaction leaves batches that hold nothing, or nothing behind an offset.
func (l *Link) batches(ctx context.Context, leader int32, id [16]byte, name string, partition int32, at int64) (next int64, holds bool, err error) {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel, req.SessionEpoch = 100, 1, fetchBytes, 1, -1
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = name, id
	asked := kmsg.NewFetchRequestTopicPartition()
	asked.Partition, asked.FetchOffset, asked.PartitionMaxBytes = partition, at, 1<<20
	topic.Partitions = append(topic.Partitions, asked)
	req.Topics = append(req.Topics, topic)
	answer, err := l.Plain.Broker(int(leader)).RetriableRequest(ctx, req)
	if err != nil {
		return at, true, err
	}
	res, ok := answer.(*kmsg.FetchResponse)
	if !ok || len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return at, true, nil
	}
	got := &res.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
		return at, true, err
	}
	read, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		KeepControlRecords: true, Offset: at, IsolationLevel: kgo.ReadCommitted(), Topic: name, Partition: partition,
	}, got, kgo.DefaultDecompressor(), nil)
	return next, len(read.Records) > 0, read.Err
}
