package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Ensure creates the topics that do not exist and checks the partition count of
// those that do: keys would otherwise be found in another partition than where
// they are looked for. Those that are not kept as they must be are altered, see Keep.
func (a *Admin) Ensure(ctx context.Context, specs ...contract.Spec) error {
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = a.link.Name(s.Topic)
	}
	have, err := a.link.Admin.ListTopics(kadm.WithAuthorizedOps(ctx), names...)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	var problems []error
	there := map[string]contract.Spec{}
	made := false
	for i, s := range specs {
		want := s.Partitions
		if want == 0 {
			want = a.link.Config.Partitions
		}
		if t, ok := have[names[i]]; ok && t.Err == nil {
			if n := len(t.Partitions); n != want && (n < want || !s.Grown) {
				problems = append(problems, fmt.Errorf("主题 %q 有 %d 个分区，应为 %d；改配置 bus.partitions 或迁移该主题 / topic %q has %d partitions instead of %d: change bus.partitions or migrate the topic: %w",
					names[i], len(t.Partitions), want, names[i], len(t.Partitions), want, kafka.ErrConfig))
			}
			there[names[i]] = s
			continue
		}
		if err := a.create(ctx, names[i], want, s); err != nil {
			problems = append(problems, err)
		}
		made = true
	}
	if err := a.keep(ctx, there); err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	return a.await(ctx, names, made) // those that were there too: another process may have made them just now
}

func (a *Admin) create(ctx context.Context, name string, partitions int, s contract.Spec) error {
	isr := "1"
	if a.link.Config.Replication > 2 {
		isr = "2"
	}
	configs := map[string]*string{"min.insync.replicas": &isr}
	for _, o := range keeping(s) {
		configs[o.key] = &o.value
	}
	if !s.Compact && s.Retention >= 0 {
		retention := strconv.FormatInt(s.Kept().Milliseconds(), 10)
		configs["retention.ms"] = &retention
	}
	_, err := a.link.Admin.CreateTopic(ctx, int32(partitions), int16(a.link.Config.Replication), configs, name)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %q: %w", name, err)
	}
	return nil
}
