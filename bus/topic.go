package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// deleteRetention is how long a tombstone stays in a compacted topic. State
// that has not been rolled forward for longer may have missed one.
const deleteRetention = 24 * time.Hour

// timestampType, set to appendTime, makes the broker's clock decide how long a record
// stays, and no source's.
const timestampType = "message.timestamp.type"

var appendTime = "LogAppendTime"

// Ensure creates the topics that do not exist and checks the partition count of
// those that do: keys would otherwise be found in another partition than where
// they are looked for. Those that are not kept as they must be are altered, see Keep.
func (b *Bus) Ensure(ctx context.Context, specs ...contract.Spec) error {
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = b.name(s.Topic)
	}
	have, err := b.admin.ListTopics(kadm.WithAuthorizedOps(ctx), names...)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	var problems []error
	there := map[string]contract.Spec{}
	made := false
	for i, s := range specs {
		want := s.Partitions
		if want == 0 {
			want = b.cfg.Partitions
		}
		if t, ok := have[names[i]]; ok && t.Err == nil {
			if n := len(t.Partitions); n != want && (n < want || !s.Grown) {
				problems = append(problems, fmt.Errorf("主题 %q 有 %d 个分区,应为 %d;改配置 bus.partitions 或迁移该主题 / topic %q has %d partitions instead of %d: change bus.partitions or migrate the topic: %w",
					names[i], len(t.Partitions), want, names[i], len(t.Partitions), want, ErrConfig))
			}
			there[names[i]] = s
			continue
		}
		if err := b.create(ctx, names[i], want, s); err != nil {
			problems = append(problems, err)
		}
		made = true
	}
	if err := b.keep(ctx, there); err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	return b.await(ctx, names, made) // those that were there too: another process may have made them just now
}

// alter sets one of a topic's options and leaves the others.
func (b *Bus) alter(ctx context.Context, name, key, value string) error {
	answers, err := b.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}, name)
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

// await waits until every broker knows the topics, and if some were made until
// every partition has a leader and our own client has forgotten that there was no
// such topic: a new topic is known to the controller before it is known to all,
// and a broker that does not know it yet says that there is none.
func (b *Bus) await(ctx context.Context, names []string, made bool) error {
	for {
		known, err := b.known(ctx, names, made)
		if err == nil && known && (!made || b.found(ctx, names)) {
			return nil
		}
		if wait := pause(ctx, 20*time.Millisecond); wait != nil {
			return fmt.Errorf("wait for new topics: %w", errors.Join(wait, err))
		}
	}
}

// found reports whether our own client finds every topic.
func (b *Bus) found(ctx context.Context, names []string) bool {
	listed, err := b.admin.ListStartOffsets(ctx, names...)
	return err == nil && listed.Error() == nil
}

// known asks each broker for the topics. One that does not answer has no say.
func (b *Bus) known(ctx context.Context, names []string, led bool) (bool, error) {
	brokers, err := b.admin.ListBrokers(ctx)
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
		res, asked := req.RequestWith(ctx, b.plain.Broker(int(id)))
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

func (b *Bus) create(ctx context.Context, name string, partitions int, s contract.Spec) error {
	isr := "1"
	if b.cfg.Replication > 2 {
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
	_, err := b.admin.CreateTopic(ctx, int32(partitions), int16(b.cfg.Replication), configs, name)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %q: %w", name, err)
	}
	return nil
}

// ErrNoTopic says that a topic does not exist.
var ErrNoTopic = errors.New("no such topic")

// Partitions returns how many partitions a topic has, or ErrNoTopic.
func (b *Bus) Partitions(ctx context.Context, t contract.Topic) (int, error) {
	d, err := b.describe(ctx, t)
	return len(d.Partitions), err
}

// Identity returns the id that the broker gave a topic: one deleted and made
// again has another.
func (b *Bus) Identity(ctx context.Context, t contract.Topic) ([16]byte, error) {
	d, err := b.describe(ctx, t)
	return [16]byte(d.ID), err
}

func (b *Bus) describe(ctx context.Context, t contract.Topic) (kadm.TopicDetail, error) {
	// Asking for the rights on it makes the client ask the broker and not its cache.
	have, err := b.admin.ListTopics(kadm.WithAuthorizedOps(ctx), b.name(t))
	if err != nil {
		return kadm.TopicDetail{}, fmt.Errorf("describe topic %q: %w", t, err)
	}
	d := have[b.name(t)]
	if errors.Is(d.Err, kerr.UnknownTopicOrPartition) {
		return d, fmt.Errorf("主题 %q 不存在 / describe topic %q: %w", b.name(t), b.name(t), ErrNoTopic)
	}
	if d.Err != nil {
		return d, fmt.Errorf("describe topic %q: %w", t, d.Err)
	}
	return d, nil
}

// EndOffsets returns the offset after the last record of each partition, open
// transactions included.
func (b *Bus) EndOffsets(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = b.name(t)
	}
	if len(names) == 0 {
		return map[contract.Topic]map[int32]int64{}, nil
	}
	listed, err := b.admin.ListEndOffsets(ctx, names...)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list end offsets: %w", err)
	}
	out := map[contract.Topic]map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { b.put(out, o.Topic, o.Partition, o.Offset) })
	return out, nil
}

// StableOffsets returns the offset up to which each partition is decided: readers
// of committed records are shown all that lies before it, and nothing behind it.
func (b *Bus) StableOffsets(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = b.name(t)
	}
	if len(names) == 0 {
		return map[contract.Topic]map[int32]int64{}, nil
	}
	listed, err := b.admin.ListCommittedOffsets(ctx, names...)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list stable offsets: %w", err)
	}
	out := map[contract.Topic]map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { b.put(out, o.Topic, o.Partition, o.Offset) })
	return out, nil
}

// Committed returns the offsets a group has committed. A partition it has
// committed nothing for is missing. So is one of a topic that nobody can name at the
// moment, since a broker answers by the topic's id: one that starts does not know it
// yet, our client is just refreshing what it knows, or the topic is deleted. What stands in the others is known all the same.
func (b *Bus) Committed(ctx context.Context, group string) (map[contract.Topic]map[int32]int64, error) {
	var fetched kadm.OffsetResponses
	var err error
	for range 40 { // the coordinator of a cluster's first group takes seconds to be there
		if fetched, err = b.admin.FetchOffsets(ctx, b.cfg.Prefix+group); err == nil {
			err = b.named(group, fetched)
		}
		if !errors.Is(err, kerr.CoordinatorNotAvailable) || pause(ctx, 250*time.Millisecond) != nil {
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
			b.put(out, o.Topic, o.Partition, o.At)
		}
	})
	return out, nil
}

// named drops the offsets of topics that nobody can name, and returns another error of
// those that are left.
func (b *Bus) named(group string, fetched kadm.OffsetResponses) error {
	nameless := 0
	fetched.KeepFunc(func(o kadm.OffsetResponse) bool {
		unknown := errors.Is(o.Err, kerr.UnknownTopicID) || errors.Is(o.Err, kerr.UnknownTopicOrPartition)
		if unknown {
			nameless++
		}
		return !unknown
	})
	if nameless > 0 {
		b.log.Warn("消费组所在的某个主题此刻查不到（元数据正在刷新、代理正在启动或主题已删除），其余照常 / a topic that a group stands in cannot be named now: metadata is refreshed, the broker starts, or it was deleted; the others go on", "group", group, "partitions", nameless)
	}
	return fetched.Error()
}

func (b *Bus) put(m map[contract.Topic]map[int32]int64, topic string, partition int32, offset int64) {
	t := b.topic(topic)
	if m[t] == nil {
		m[t] = map[int32]int64{}
	}
	m[t][partition] = offset
}

func (b *Bus) name(t contract.Topic) string { return b.cfg.Prefix + string(t) }
func (b *Bus) topic(name string) contract.Topic {
	return contract.Topic(strings.TrimPrefix(name, b.cfg.Prefix))
}

// partitioner sends a record without a partition of its own to the partition of
// its key's murmur2 hash, as Java's clients do; a stated partition wins.
func partitioner() kgo.Partitioner {
	return kgo.BasicConsistentPartitioner(func(string) func(*kgo.Record, int) int {
		hash := kgo.StickyKeyPartitioner(nil).ForTopic("")
		return func(r *kgo.Record, n int) int {
			if r.Partition >= 0 {
				return int(r.Partition)
			}
			return hash.Partition(r, n)
		}
	})
}
