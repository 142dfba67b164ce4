package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Retain sets how long a topic that is not compacted keeps its records, negative = for
// ever. Ensure leaves that of a topic that is there as it is.
func (a *Admin) Retain(ctx context.Context, t contract.Topic, d time.Duration) error {
	ms := int64(-1)
	if d >= 0 {
		ms = d.Milliseconds()
	}
	return a.alter(ctx, a.link.Name(t), "retention.ms", strconv.FormatInt(ms, 10))
}

// alter sets one of a topic's options and leaves the others.
func (a *Admin) alter(ctx context.Context, name, key, value string) error {
	answers, err := a.link.Admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}, name)
	if err != nil {
		return fmt.Errorf("alter topic %q: %w", name, err)
	}
	for _, a := range answers {
		if errors.Is(a.Err, kerr.UnknownTopicOrPartition) {
			return fmt.Errorf("alter topic %q: %w", name, ErrNoTopic)
		}
		if a.Err != nil {
			return fmt.Errorf("alter topic %q: %s: %w", name, a.ErrMessage, a.Err)
		}
	}
	return nil
}
