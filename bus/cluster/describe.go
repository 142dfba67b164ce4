package cluster

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Partitions returns how many partitions a topic has, or ErrNoTopic.
func (a *Admin) Partitions(ctx context.Context, t contract.Topic) (int, error) {
	d, err := a.describe(ctx, t)
	return len(d.Partitions), err
}

// Identity returns the id that the broker gave a topic: one deleted and made
// again has another.
func (a *Admin) Identity(ctx context.Context, t contract.Topic) ([16]byte, error) {
	d, err := a.describe(ctx, t)
	return [16]byte(d.ID), err
}

// Identities returns the ids, in hexadecimal, of those of the topics that are there.
func (a *Admin) Identities(ctx context.Context, topics ...contract.Topic) (contract.Identities, error) {
	have, err := a.link.Admin.ListTopics(kadm.WithAuthorizedOps(ctx), a.link.Names(topics)...)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	out := contract.Identities{}
	for name, d := range have {
		switch {
		case d.Err == nil:
			id := [16]byte(d.ID)
			out[a.link.Topic(name)] = hex.EncodeToString(id[:])
		case !errors.Is(d.Err, kerr.UnknownTopicOrPartition):
			return nil, fmt.Errorf("describe topic %q: %w", name, d.Err)
		}
	}
	return out, nil
}

func (a *Admin) describe(ctx context.Context, t contract.Topic) (kadm.TopicDetail, error) {
	// Asking for the rights on it makes the client ask the broker and not its cache.
	have, err := a.link.Admin.ListTopics(kadm.WithAuthorizedOps(ctx), a.link.Name(t))
	if err != nil {
		return kadm.TopicDetail{}, fmt.Errorf("describe topic %q: %w", t, err)
	}
	d := have[a.link.Name(t)]
	if errors.Is(d.Err, kerr.UnknownTopicOrPartition) {
		return d, fmt.Errorf("主题 %q 不存在 / describe topic %q: %w", a.link.Name(t), a.link.Name(t), ErrNoTopic)
	}
	if d.Err != nil {
		return d, fmt.Errorf("describe topic %q: %w", t, d.Err)
	}
	return d, nil
}
