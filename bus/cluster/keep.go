package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Keep alters those of the topics whose records would go too early, or by another
// clock than the broker's: cleanup policy, compaction and time are not an operator's
// to choose. What is altered is logged. Topics that are not there are left to Ensure.
func (a *Admin) Keep(ctx context.Context, specs ...contract.Spec) error {
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = a.link.Name(s.Topic)
	}
	have, err := a.link.Admin.ListTopics(ctx, names...)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	there := map[string]contract.Spec{}
	for i, s := range specs {
		if t, ok := have[names[i]]; ok && t.Err == nil {
			there[names[i]] = s
		}
	}
	return a.keep(ctx, there)
}

func (a *Admin) keep(ctx context.Context, there map[string]contract.Spec) error {
	if len(there) == 0 {
		return nil
	}
	configs, err := a.link.Admin.DescribeTopicConfigs(ctx, slices.Sorted(maps.Keys(there))...)
	if err != nil {
		return fmt.Errorf("describe topics: %w", err)
	}
	var problems []error
	for _, t := range configs {
		if t.Err != nil {
			problems = append(problems, fmt.Errorf("describe topic %q: %w", t.Name, t.Err))
			continue
		}
		for _, o := range keeping(there[t.Name]) {
			if err := a.restore(ctx, t, o); err != nil {
				problems = append(problems, fmt.Errorf("主题 %[1]q 须设 %[2]s=%[3]s，但无法改：请授予本程序 AlterConfigs 权限，或由管理员执行 kafka-configs.sh --alter --topic %[1]s --add-config %[2]s=%[3]s / "+
					"topic %[1]q must have %[2]s=%[3]s and cannot be altered: grant this principal AlterConfigs, or have an administrator run kafka-configs.sh: %[4]w: %[5]w", t.Name, o.key, o.value, kafka.ErrConfig, err))
			}
		}
	}
	return errors.Join(problems...)
}

// restore sets an option again that is not as it must be.
func (a *Admin) restore(ctx context.Context, t kadm.ResourceConfig, o option) error {
	at := slices.IndexFunc(t.Configs, func(c kadm.Config) bool { return c.Key == o.key })
	was := ""
	if at >= 0 {
		was = t.Configs[at].MaybeValue()
	}
	if o.holds(was) || at < 0 && o.key != timestampType { // what a broker does not tell cannot be judged
		return nil
	}
	if err := a.alter(ctx, t.Name, o.key, o.value); err != nil {
		return err
	}
	a.link.Log.Warn("topic altered: it must not be kept otherwise", "topic", t.Name, "option", o.key, "was", was, "is", o.value)
	return nil
}
