package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Broker is one broker of the cluster, as it answered.
type Broker struct {
	ID      int32
	Address string
	Version string // what its API looks most like, "v4.1"
	Since4  bool   // it speaks what came with Kafka 4.0
	Err     error  // it did not answer
}

// Cluster is what the brokers say about themselves.
type Cluster struct {
	Brokers []Broker
	// TransactionVersion is the finalized feature transaction.version; 0 if no
	// broker told one.
	TransactionVersion int
}

// produceSince4 is the version of Produce that came with Kafka 4.0. What a
// broker calls itself it does not tell, and guesses from the whole of its API
// go wrong with brokers that are not Apache's.
const produceSince4 = 12

// Cluster asks every broker what it is.
func (a *Admin) Cluster(ctx context.Context) (Cluster, error) {
	listed, err := a.link.Admin.ListBrokers(ctx)
	if err != nil {
		return Cluster{}, fmt.Errorf("list brokers: %w", err)
	}
	answers, err := a.link.Admin.ApiVersions(ctx)
	if err != nil {
		return Cluster{}, fmt.Errorf("ask brokers for their versions: %w", err)
	}
	var out Cluster
	for _, d := range listed {
		broker := Broker{ID: d.NodeID, Address: d.Host + ":" + strconv.Itoa(int(d.Port))}
		if a, ok := answers[d.NodeID]; !ok || a.Err != nil {
			broker.Err = a.Err
		} else {
			produce, _ := a.KeyMaxVersion(int16(kmsg.Produce))
			broker.Version, broker.Since4 = a.VersionGuess(), produce >= produceSince4
			for _, f := range a.Raw().FinalizedFeatures {
				if f.Name == "transaction.version" {
					out.TransactionVersion = max(out.TransactionVersion, int(f.MaxVersionLevel))
				}
			}
		}
		out.Brokers = append(out.Brokers, broker)
	}
	slices.SortFunc(out.Brokers, func(a, b Broker) int { return int(a.ID - b.ID) })
	return out, nil
}

// TopicState is how a topic is kept and how well.
type TopicState struct {
	Partitions   int
	Replication  int // of the partition with the fewest copies
	Leaderless   int // partitions that nobody can read or write
	OutOfSync    int // partitions of which a copy is behind
	MinInSync    int // min.insync.replicas
	Policy       string
	RetentionMS  int64  // of one that is not compacted; -1 = for ever
	CompactLagMS int64  // min.compaction.lag.ms
	Dated        string // message.timestamp.type
	TakesBytes   int64  // max.message.bytes; 0 = not told
}

// TooSmall reports that the topic does not take every record that we send.
func (s TopicState) TooSmall() bool { return s.TakesBytes > 0 && s.TakesBytes < kafka.RecordBytes }

// Examine tells how topics are kept. One that does not exist is missing.
func (a *Admin) Examine(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]TopicState, error) {
	out := map[contract.Topic]TopicState{}
	if len(topics) == 0 {
		return out, nil
	}
	names := a.link.Names(topics)
	have, err := a.link.Admin.ListTopics(kadm.WithAuthorizedOps(ctx), names...)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	var there []string
	for _, n := range names {
		if d, ok := have[n]; ok && d.Err == nil {
			out[a.link.Topic(n)] = layout(d)
			there = append(there, n)
		}
	}
	configs, err := a.link.Admin.DescribeTopicConfigs(ctx, there...)
	if err != nil {
		return nil, fmt.Errorf("describe topics: %w", err)
	}
	for _, c := range configs {
		if c.Err != nil {
			return nil, fmt.Errorf("describe topic %q: %w", c.Name, c.Err)
		}
		s := out[a.link.Topic(c.Name)]
		for _, v := range c.Configs {
			number, _ := strconv.ParseInt(v.MaybeValue(), 10, 64) // texts are 0
			switch v.Key {
			case "cleanup.policy":
				s.Policy = v.MaybeValue()
			case "min.insync.replicas":
				s.MinInSync = int(number)
			case "max.message.bytes":
				s.TakesBytes = number
			case timestampType:
				s.Dated = v.MaybeValue()
			case "retention.ms":
				s.RetentionMS = number
			case "min.compaction.lag.ms":
				s.CompactLagMS = number
			}
		}
		out[a.link.Topic(c.Name)] = s
	}
	return out, nil
}

func layout(d kadm.TopicDetail) TopicState {
	s := TopicState{Partitions: len(d.Partitions)}
	for _, p := range d.Partitions {
		if s.Replication == 0 || len(p.Replicas) < s.Replication {
			s.Replication = len(p.Replicas)
		}
		if p.Leader < 0 || p.Err != nil {
			s.Leaderless++
		}
		if len(p.ISR) < len(p.Replicas) {
			s.OutOfSync++
		}
	}
	return s
}

// GroupState is who works in a group and how far behind it is.
type GroupState struct {
	State   string // Stable, Empty, Dead, PreparingRebalance ...
	Members int
	Lag     int64 // offsets, markers of transactions included
}

// coordinatorPatience is how long a cluster may take until it has who coordinates a group:
// the first question about any has it make the topic that keeps them.
const coordinatorPatience = 10 * time.Second

// lag asks how far a group is behind.
func (a *Admin) lag(ctx context.Context, group string) (kadm.DescribedGroupLag, error) {
	ctx, cancel := context.WithTimeout(ctx, coordinatorPatience)
	defer cancel()
	for {
		lags, err := a.link.Admin.Lag(ctx, group)
		l := lags[group]
		if !errors.Is(errors.Join(err, l.DescribeErr), kerr.CoordinatorNotAvailable) {
			return l, err //nolint:wrapcheck // Groups says of what
		}
		if wait := kafka.Pause(ctx, 20*time.Millisecond); wait != nil {
			return l, errors.Join(wait, err)
		}
	}
}

// Groups tells the state of groups. One that nobody ever joined is Dead.
func (a *Admin) Groups(ctx context.Context, groups ...string) (map[string]GroupState, error) {
	out := map[string]GroupState{}
	for _, g := range groups {
		l, err := a.lag(ctx, a.link.Config.Prefix+g)
		if err != nil {
			return nil, fmt.Errorf("ask for the lag of group %q: %w", g, err)
		}
		if errors.Is(l.DescribeErr, kerr.GroupIDNotFound) { // Kafka 4; elders answer Dead
			out[g] = GroupState{State: "Dead"}
			continue
		}
		if l.DescribeErr != nil {
			return nil, fmt.Errorf("describe group %q: %w", g, l.DescribeErr)
		}
		s := GroupState{State: l.State, Members: len(l.Members)}
		for _, partitions := range l.Lag {
			for _, p := range partitions {
				s.Lag += max(p.Lag, 0)
			}
		}
		out[g] = s
	}
	return out, nil
}
