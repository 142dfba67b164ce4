package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// option is one of a topic's options that may not be otherwise.
type option struct {
	key, value string
	least      bool // more will do, and so will -1
}

// keeping is how a topic must be kept so that nothing goes that somebody still needs.
// A retention by time may be another than the topic was made with: that is its
// operator's, and told by doctor.
func keeping(s contract.Spec) []option {
	out := []option{{key: timestampType, value: appendTime}}
	switch {
	case s.Compact:
		out = append(out, option{key: "cleanup.policy", value: "compact"},
			option{"delete.retention.ms", strconv.FormatInt(deleteRetention.Milliseconds(), 10), true})
		if s.CompactAfter > 0 {
			out = append(out, option{"min.compaction.lag.ms", strconv.FormatInt(s.CompactAfter.Milliseconds(), 10), true})
		}
	case s.Retention < 0:
		out = append(out, option{key: "cleanup.policy", value: "delete"}, option{key: "retention.ms", value: "-1"})
	default:
		out = append(out, option{key: "cleanup.policy", value: "delete"})
	}
	return out
}

// holds reports whether an option that is set to value will do.
func (o option) holds(value string) bool {
	if value == o.value {
		return true
	}
	is, err := strconv.ParseInt(value, 10, 64)
	must, _ := strconv.ParseInt(o.value, 10, 64)
	return o.least && err == nil && (is < 0 || is >= must)
}

// Keep alters those of the topics whose records would go too early, or by another
// clock than the broker's: cleanup policy, compaction and time are not an operator's
// to choose. What is altered is logged. Topics that are not there are left to Ensure.
func (b *Bus) Keep(ctx context.Context, specs ...contract.Spec) error {
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = b.name(s.Topic)
	}
	have, err := b.admin.ListTopics(ctx, names...)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	there := map[string]contract.Spec{}
	for i, s := range specs {
		if t, ok := have[names[i]]; ok && t.Err == nil {
			there[names[i]] = s
		}
	}
	return b.keep(ctx, there)
}

func (b *Bus) keep(ctx context.Context, there map[string]contract.Spec) error {
	if len(there) == 0 {
		return nil
	}
	configs, err := b.admin.DescribeTopicConfigs(ctx, slices.Sorted(maps.Keys(there))...)
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
			if err := b.restore(ctx, t, o); err != nil {
				problems = append(problems, fmt.Errorf("主题 %[1]q 须设 %[2]s=%[3]s，但无法改：请授予本程序 AlterConfigs 权限，或由管理员执行 kafka-configs.sh --alter --topic %[1]s --add-config %[2]s=%[3]s / "+
					"topic %[1]q must have %[2]s=%[3]s and cannot be altered: grant this principal AlterConfigs, or have an administrator run kafka-configs.sh: %[4]w: %[5]w", t.Name, o.key, o.value, ErrConfig, err))
			}
		}
	}
	return errors.Join(problems...)
}

// restore sets an option again that is not as it must be.
func (b *Bus) restore(ctx context.Context, t kadm.ResourceConfig, o option) error {
	at := slices.IndexFunc(t.Configs, func(c kadm.Config) bool { return c.Key == o.key })
	was := ""
	if at >= 0 {
		was = t.Configs[at].MaybeValue()
	}
	if o.holds(was) || at < 0 && o.key != timestampType { // what a broker does not tell cannot be judged
		return nil
	}
	if err := b.alter(ctx, t.Name, o.key, o.value); err != nil {
		return err
	}
	b.log.Warn("topic altered: it must not be kept otherwise", "topic", t.Name, "option", o.key, "was", was, "is", o.value)
	return nil
}
