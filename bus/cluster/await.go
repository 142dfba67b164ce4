package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
)

// await waits until every broker knows the topics, and if some were made until
// every partition has a leader and our own client has forgotten that there was no
// such topic: a new topic is known to the controller before it is known to all,
// and a broker that does not know it yet says that there is none.
func (a *Admin) await(ctx context.Context, names []string, made bool) error {
	for {
		known, err := a.known(ctx, names, made)
		if err == nil && known && (!made || a.found(ctx, names)) {
			return nil
		}
		if wait := kafka.Pause(ctx, 20*time.Millisecond); wait != nil {
			return fmt.Errorf("wait for new topics: %w", errors.Join(wait, err))
		}
	}
}

// found reports whether our own client finds every topic.
func (a *Admin) found(ctx context.Context, names []string) bool {
	listed, err := a.link.Admin.ListStartOffsets(ctx, names...)
	return err == nil && listed.Error() == nil
}

// known asks each broker for the topics. One that does not answer has no say.
func (a *Admin) known(ctx context.Context, names []string, led bool) (bool, error) {
	brokers, err := a.link.Admin.ListBrokers(ctx)
	if err != nil {
		return false, fmt.Errorf("list brokers: %w", err)
	}
	req := kmsg.NewPtrMetadataRequest()
	for _, n := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(n)
		req.Topics = append(req.Topics, t)
	}
	leaderless := func(p kmsg.MetadataResponseTopicPartition) bool { return p.Leader < 0 }
	var answers int
	for _, id := range brokers.NodeIDs() {
		res, asked := req.RequestWith(ctx, a.link.Plain.Broker(int(id)))
		if asked != nil {
			err = errors.Join(err, fmt.Errorf("ask broker %d for topics: %w", id, asked))
			continue
		}
		answers++
		if slices.ContainsFunc(res.Topics, func(t kmsg.MetadataResponseTopic) bool {
			return t.ErrorCode != 0 || led && slices.ContainsFunc(t.Partitions, leaderless)
		}) {
			return false, nil
		}
	}
	if answers > 0 {
		return true, nil
	}
	return false, err
}
