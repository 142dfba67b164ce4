package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus/embedded"
)

// The lines of the dump: a topic with its options, then all that stands in it; and the
// offsets of a group.
type topicLine struct {
	Topic      string            `json:"topic"`
	Partitions int               `json:"partitions"`
	Configs    map[string]string `json:"configs"`
}

type groupLine struct {
	Group   string                     `json:"group"`
	Offsets map[string]map[int32]int64 `json:"offsets"`
}

type recordLine struct {
	Partition int32       `json:"p"`
	Offset    int64       `json:"o"`
	Time      int64       `json:"t"` // milliseconds
	Key       []byte      `json:"k"`
	Value     []byte      `json:"v"`
	Headers   [][2][]byte `json:"h,omitempty"`
	Producer  int64       `json:"tx,omitempty"`  // of a transaction, if it is in one
	End       string      `json:"end,omitempty"` // it is no record, but the end of that one: commit or abort
}

// dump writes down what stands in a broker's folder. It reads a copy: a broker that
// opens a folder decides what a crash left open there, as the coordinator of a cluster
// would have done.
func dump(ctx context.Context, folder, copied, out string) error {
	if err := os.CopyFS(copied, os.DirFS(folder)); err != nil {
		return err
	}
	b, err := embedded.Start(ctx, embedded.Options{Dir: copied})
	if err != nil {
		return err
	}
	defer b.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs()...))
	if err != nil {
		return err
	}
	defer client.Close()
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	encoder := json.NewEncoder(w)
	err = dumpTopics(ctx, b.Addrs(), kadm.NewClient(client), encoder)
	if err == nil {
		err = dumpGroups(ctx, kadm.NewClient(client), encoder)
	}
	return errors.Join(err, w.Flush(), f.Close())
}

func dumpTopics(ctx context.Context, addrs []string, admin *kadm.Client, to *json.Encoder) error {
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return err
	}
	names := topics.Names()
	slices.Sort(names)
	configs, err := admin.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return err
	}
	ends, err := admin.ListEndOffsets(ctx, names...)
	if err != nil {
		return err
	}
	for _, name := range names {
		line := topicLine{Topic: name, Partitions: len(topics[name].Partitions), Configs: map[string]string{}}
		config, err := configs.On(name, nil)
		if err != nil {
			return err
		}
		for _, c := range config.Configs {
			if c.Source.String() == "DYNAMIC_TOPIC_CONFIG" {
				line.Configs[c.Key] = c.MaybeValue()
			}
		}
		if err := to.Encode(line); err != nil {
			return err
		}
		for p := range line.Partitions {
			end, _ := ends.Lookup(name, int32(p))
			if err := dumpPartition(ctx, addrs, name, int32(p), end.Offset, to); err != nil {
				return fmt.Errorf("%s/%d: %w", name, p, err)
			}
		}
	}
	return nil
}

func dumpPartition(ctx context.Context, addrs []string, topic string, partition int32, end int64, to *json.Encoder) error {
	if end == 0 {
		return nil
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.KeepControlRecords(), kgo.FetchIsolationLevel(kgo.ReadUncommitted()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(0)}}))
	if err != nil {
		return err
	}
	defer client.Close()
	for next := int64(0); next < end; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for _, r := range fetches.Records() {
			if r.Offset != next {
				return fmt.Errorf("offset %d follows %d: it was compacted", r.Offset, next-1)
			}
			next++
			line := recordLine{Partition: partition, Offset: r.Offset, Time: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				line.Headers = append(line.Headers, [2][]byte{[]byte(h.Key), h.Value})
			}
			if r.Attrs.IsTransactional() {
				line.Producer = r.ProducerID
			}
			if r.Attrs.IsControl() {
				line.Key, line.Value, line.End = nil, nil, "abort"
				if binary.BigEndian.Uint16(r.Key[2:]) == 1 {
					line.End = "commit"
				}
				line.Producer = r.ProducerID
			}
			if err := to.Encode(line); err != nil {
				return err
			}
		}
	}
	return nil
}

func dumpGroups(ctx context.Context, admin *kadm.Client, to *json.Encoder) error {
	groups, err := admin.ListGroups(ctx)
	if err != nil {
		return err
	}
	for _, g := range groups.Sorted() {
		fetched, err := admin.FetchOffsets(ctx, g.Group)
		if err != nil {
			return err
		}
		line := groupLine{Group: g.Group, Offsets: map[string]map[int32]int64{}}
		fetched.Each(func(o kadm.OffsetResponse) {
			if line.Offsets[o.Topic] == nil {
				line.Offsets[o.Topic] = map[int32]int64{}
			}
			line.Offsets[o.Topic][o.Partition] = o.At
		})
		if err := to.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
