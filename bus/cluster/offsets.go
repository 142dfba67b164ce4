package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// EndOffsets returns the offset after the last record of each partition, open
// transactions included.
func (a *Admin) EndOffsets(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	names := a.link.Names(topics)
	if len(names) == 0 {
		return map[contract.Topic]map[int32]int64{}, nil
	}
	listed, err := a.link.Admin.ListEndOffsets(ctx, names...)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list end offsets: %w", err)
	}
	out := map[contract.Topic]map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { a.put(out, o.Topic, o.Partition, o.Offset) })
	return out, nil
}

// StableOffsets returns the offset up to which each partition is decided: readers
// of committed records are shown all that lies before it, and nothing behind it.
func (a *Admin) StableOffsets(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	names := a.link.Names(topics)
	if len(names) == 0 {
		return map[contract.Topic]map[int32]int64{}, nil
	}
	listed, err := a.link.Admin.ListCommittedOffsets(ctx, names...)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list stable offsets: %w", err)
	}
	out := map[contract.Topic]map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { a.put(out, o.Topic, o.Partition, o.Offset) })
	return out, nil
}

// Committed returns the offsets a group has committed. A partition it has
// committed nothing for is missing. So is one of a topic that nobody can name at the
// moment, since a broker answers by the topic's id: one that starts does not know it
// yet, our client is just refreshing what it knows, or the topic is deleted. What stands in the others is known all the same.
func (a *Admin) Committed(ctx context.Context, group string) (map[contract.Topic]map[int32]int64, error) {
	var fetched kadm.OffsetResponses
	var err error
	for range 40 { // the coordinator of a cluster's first group takes seconds to be there
		if fetched, err = a.link.Admin.FetchOffsets(ctx, a.link.Config.Prefix+group); err == nil {
			err = a.named(group, fetched)
		}
		if !errors.Is(err, kerr.CoordinatorNotAvailable) || kafka.Pause(ctx, 250*time.Millisecond) != nil {
			break
		}
	}
	if errors.Is(err, kerr.GroupIDNotFound) {
		return map[contract.Topic]map[int32]int64{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("fetch offsets of group %q: %w", group, err)
	}
	out := map[contract.Topic]map[int32]int64{}
	fetched.Each(func(o kadm.OffsetResponse) {
		if o.At >= 0 {
			a.put(out, o.Topic, o.Partition, o.At)
		}
	})
	return out, nil
}

// named drops the offsets of topics that nobody can name, and returns another error of
// those that are left.
func (a *Admin) named(group string, fetched kadm.OffsetResponses) error {
	nameless := 0
	fetched.KeepFunc(func(o kadm.OffsetResponse) bool {
		unknown := errors.Is(o.Err, kerr.UnknownTopicID) || errors.Is(o.Err, kerr.UnknownTopicOrPartition)
		if unknown {
			nameless++
		}
		return !unknown
	})
	if nameless > 0 {
		a.link.Log.Warn("消费组所在的某个主题此刻查不到（元数据正在刷新、代理正在启动或主题已删除），其余照常 / a topic that a group stands in cannot be named now: metadata is refreshed, the broker starts, or it was deleted; the others go on", "group", group, "partitions", nameless)
	}
	return fetched.Error()
}

func (a *Admin) put(m map[contract.Topic]map[int32]int64, topic string, partition int32, offset int64) {
	t := a.link.Topic(topic)
	if m[t] == nil {
		m[t] = map[int32]int64{}
	}
	m[t][partition] = offset
}
