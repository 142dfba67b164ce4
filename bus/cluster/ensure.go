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
	names, have, err := a.list(ctx, specs)
	if err != nil {
		return err
	}
	var problems []error
	there := map[string]contract.Spec{}
	made := false
	for i, s := range specs {
		want := a.partitions(s)
		if t, ok := have[names[i]]; ok && t.Err == nil {
			if err := a.count(s, len(t.Partitions)); err != nil {
				problems = append(problems, err)
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

// list asks the brokers, and not our client's cache, for topics: their names in the order of specs, and what there is of them.
func (a *Admin) list(ctx context.Context, specs []contract.Spec) (names []string, have kadm.TopicDetails, err error) {
	names = make([]string, len(specs))
	for i, s := range specs {
		names[i] = a.link.Name(s.Topic)
	}
	if have, err = a.link.Admin.ListTopics(kadm.WithAuthorizedOps(ctx), names...); err != nil {
		return nil, nil, fmt.Errorf("list topics: %w", err)
	}
	return names, have, nil
}

func (a *Admin) partitions(s contract.Spec) int {
	if s.Partitions == 0 {
		return a.link.Config.Partitions
	}
	return s.Partitions
}

// Count reports topics that have another number of partitions than they must: somebody
// gave them more. Those that are not there are left to Ensure. The error is ErrConfig then.
func (a *Admin) Count(ctx context.Context, specs ...contract.Spec) error {
	names, have, err := a.list(ctx, specs)
	if err != nil {
		return err
	}
	var problems []error
	for i, s := range specs {
		if t, ok := have[names[i]]; ok && t.Err == nil {
			problems = append(problems, a.count(s, len(t.Partitions)))
		}
	}
	return errors.Join(problems...)
}

// count says of a topic with another number of partitions what leads out: Kafka takes no
// partition away, and a key is looked for in the partition that the number gives.
func (a *Admin) count(s contract.Spec, n int) error {
	want, name := a.partitions(s), a.link.Name(s.Topic)
	if n == want || n > want && s.Grown {
		return nil
	}
	do, english := a.LeadsOut(s.Topic)
	return fmt.Errorf("主题 %[1]q 有 %[2]d 个分区，应为 %[3]d。若刚改过 bus.partitions，改回；若是主题被加了分区：%[4]s / topic %[1]q has %[2]d partitions instead of %[3]d. If bus.partitions was changed, change it back; if somebody altered the topic: %[5]s: %[6]w",
		name, n, want, do, english, kafka.ErrConfig)
}

// LeadsOut says, in both tongues, what is done about a topic that was given more partitions.
func (a *Admin) LeadsOut(t contract.Topic) (chinese, english string) {
	name := a.link.Name(t)
	family, _ := t.Family()
	switch {
	case t.Republished():
		return "停止全部进程，删除该主题（kafka-topics.sh --delete --topic " + name + "），再启动：主题重建，内容自动重新发布", "stop all processes, delete the topic by kafka-topics.sh --delete, start again: it is made anew and its content is published again"
	case family == contract.FamilyRaw:
		return "停止全部进程，删除该主题（kafka-topics.sh --delete --topic " + name + "），再启动：主题重建；尚未处理的行用 yiyuan source resync 重读，推送的请部门重推",
			"stop all processes, delete the topic by kafka-topics.sh --delete, start again: it is made anew; rows that were not taken in yet come by yiyuan source resync, or by being pushed again"
	}
	return "从副本恢复该主题，或改用新的 bus.prefix 从头接入", "bring the topic back from a copy, or begin a new bus under another bus.prefix"
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
