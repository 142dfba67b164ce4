package upgrade

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// replayed has the city go on on real Kafka: its topics are written there as they stood
// on its own broker, each record at its offset and with its time, in transactions that
// end where they ended.
func (w *landed) replayed() {
	w.Helper()
	w.kafka, w.prefix = e2e.Service(w, "YIYUAN_TEST_KAFKA"), e2e.UniquePrefix()
	brokers := strings.Split(w.kafka, ",")
	w.bus = fmt.Sprintf("{partitions: 2, brokers: [%s], prefix: %q}", strings.Join(brokers, ", "), w.prefix)
	f, err := os.Open(filepath.Join(w.dir, "topics.jsonl"))
	if err != nil {
		w.Fatal(err)
	}
	defer f.Close()
	r := &replay{TB: w, brokers: brokers, prefix: w.prefix, writers: map[int64]*kgo.Client{}}
	r.plain = r.client()
	r.admin = kadm.NewClient(r.plain)
	for lines := json.NewDecoder(bufio.NewReader(f)); lines.More(); {
		var l line
		if err := lines.Decode(&l); err != nil {
			w.Fatal(err)
		}
		r.take(l)
	}
	r.flush()
}

// line is one of the dump: a topic, a record in it, or a group.
type line struct {
	Topic      string             `json:"topic"`
	Partitions int32              `json:"partitions"`
	Configs    map[string]*string `json:"configs"`

	Group   string                     `json:"group"`
	Offsets map[string]map[int32]int64 `json:"offsets"`

	Partition int32       `json:"p"`
	Offset    int64       `json:"o"`
	Time      int64       `json:"t"`
	Key       []byte      `json:"k"`
	Value     []byte      `json:"v"`
	Headers   [][2][]byte `json:"h"`
	Producer  int64       `json:"tx"`
	End       string      `json:"end"`
}

// replay writes the lines. A transaction of the dump becomes one for each partition it
// wrote to; nobody reads before all is there.
type replay struct {
	testing.TB
	brokers []string
	prefix  string
	plain   *kgo.Client
	admin   *kadm.Client
	writers map[int64]*kgo.Client // by producer of the dump

	topic string
	by    *kgo.Client
	batch []*kgo.Record
	open  map[int64]bool
}

func (r *replay) client(opts ...kgo.Opt) *kgo.Client {
	r.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(r.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(50*time.Millisecond), kgo.UnknownTopicRetries(-1))...)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(c.Close)
	return c
}

func (r *replay) take(l line) {
	r.Helper()
	switch {
	case l.Topic != "":
		r.flush()
		r.topic, r.open = r.prefix+l.Topic, map[int64]bool{}
		if l.Configs["retention.ms"] != nil && (l.Topic == string(contract.Quarantine) || strings.HasPrefix(l.Topic, string(contract.Claims("")))) { // the broker must not take anything away before the test begins
			longer := strconv.FormatInt((10 * 365 * 24 * time.Hour).Milliseconds(), 10)
			l.Configs["retention.ms"] = &longer
		}
		if _, err := r.admin.CreateTopic(r.Context(), l.Partitions, 1, l.Configs, r.topic); err != nil {
			r.Fatal(err)
		}
	case l.Group != "":
		r.flush()
		offsets := kadm.Offsets{}
		for topic, partitions := range l.Offsets {
			for p, at := range partitions {
				offsets.AddOffset(r.prefix+topic, p, at, -1)
			}
		}
		if answers, err := r.admin.CommitOffsets(r.Context(), r.prefix+l.Group, offsets); len(offsets) > 0 && (err != nil || answers.Error() != nil) {
			r.Fatalf("group %s: %v, %v", l.Group, err, answers.Error())
		}
	case l.End != "":
		r.flush()
		end := kgo.TryAbort
		if l.End == "commit" {
			end = kgo.TryCommit
		}
		if err := r.writers[l.Producer].EndTransaction(r.Context(), end); err != nil {
			r.Fatal(err)
		}
		delete(r.open, l.Producer)
		e2e.Await(r, "marker of "+r.topic, func() string { // it is written behind the answer
			ends, err := r.admin.ListEndOffsets(r.Context(), r.topic)
			if end, ok := ends.Lookup(r.topic, l.Partition); err != nil || !ok || end.Offset != l.Offset+1 {
				return fmt.Sprintf("%s/%d ends at %d, want %d; %v", r.topic, l.Partition, end.Offset, l.Offset+1, err)
			}
			return ""
		})
	default:
		r.record(l)
	}
}

func (r *replay) record(l line) {
	r.Helper()
	by := r.plain
	if l.Producer != 0 {
		if by = r.writers[l.Producer]; by == nil {
			by = r.client(kgo.TransactionalID(fmt.Sprintf("%sreplay-%d", r.prefix, l.Producer)))
			r.writers[l.Producer] = by
		}
		if !r.open[l.Producer] {
			if err := by.BeginTransaction(); err != nil {
				r.Fatal(err)
			}
			r.open[l.Producer] = true
		}
	}
	if by != r.by || len(r.batch) > 0 && r.batch[0].Partition != l.Partition {
		r.flush()
		r.by = by
	}
	record := &kgo.Record{Topic: r.topic, Partition: l.Partition, Timestamp: time.UnixMilli(l.Time), Key: l.Key, Value: l.Value}
	for _, h := range l.Headers {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: string(h[0]), Value: h[1]})
	}
	record.Context = r.Context()
	record.Offset = l.Offset // where it must come to lie
	r.batch = append(r.batch, record)
}

// flush writes what waits, and holds the offsets against the dump's.
func (r *replay) flush() {
	r.Helper()
	if len(r.batch) == 0 {
		return
	}
	want := make([]int64, len(r.batch))
	for i, record := range r.batch {
		want[i] = record.Offset
	}
	if err := r.by.ProduceSync(r.Context(), r.batch...).FirstErr(); err != nil {
		r.Fatal(err)
	}
	// A client that has not stored the topic yet would take a commit for an abort.
	e2e.Await(r, "topic "+r.topic, func() string {
		if leader, epoch, err := r.by.PartitionLeader(r.topic, 0); leader < 0 && epoch < 0 && err == nil {
			return "not known"
		}
		return ""
	})
	for i, record := range r.batch {
		if record.Offset != want[i] {
			r.Fatalf("a record of %s/%d lies at %d, on the first release's broker at %d", record.Topic, record.Partition, record.Offset, want[i])
		}
	}
	r.batch = nil
}
