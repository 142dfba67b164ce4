package fault

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestFaultRetention delivers files that their department dated: two months ago,
// and the day after tomorrow. The broker looks every half second for what is too
// old; the processors die right after their first commit and come back when it has
// looked. Every person is there, and the bad row is in quarantine: no source's time
// decides how long the bus keeps a record, or whether it takes one.
func TestFaultRetention(t *testing.T) {
	e2e.InTurn(t)
	people := 600
	if e2e.Long() {
		people = 3000
	}
	t.Setenv("YIYUAN_TESTBED_KAFKA", "log.retention.check.interval.ms=500")
	p := e2e.OpenRealPath(t)
	p.Brokers = startCluster(t, "kafka", nil).brokers[0]
	const head = "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n"
	dated := func(name string, by time.Duration, rows string) {
		t.Helper()
		file := filepath.Join(p.Drop, name)
		err := os.WriteFile(file+".part", []byte(head+rows), 0o600)
		if err == nil {
			at := time.Now().Add(by)
			err = os.Chtimes(file+".part", at, at) // as cp -p and rsync -t keep it
		}
		if err == nil {
			err = os.Rename(file+".part", file)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var rows strings.Builder
	for n := range people {
		fmt.Fprintf(&rows, "%s,R%d,539903,云岭市岭西区金桥街道,19900001234,2026-01-02,\n", citizen(n), n)
	}
	rows.WriteString("5399021950010100119,R9999,539903,云岭市岭西区金桥街道,19900001234,2026-01-02,\n") // 19 digits
	dated("old.csv", -60*24*time.Hour, rows.String())
	dated("young.csv", 48*time.Hour, citizen(people)+",R0,539903,云岭市岭西区金桥街道,19900001234,2026-01-02,\n")
	source, processor := p.Launch(t, e2e.ConnectorsRole), p.Launch(t, e2e.ProcessorsRole)
	e2e.Connect(t, processor, []string{p.Brokers}, p.Prefix).Close()
	j := e2e.Visit(t, []string{p.Brokers}, p.Prefix, 0, time.Now())
	count := func(topic contract.Topic) (n int64) {
		t.Helper()
		ends, err := j.Bus.EndOffsets(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		for _, end := range ends[topic] {
			n += end
		}
		return n
	}
	claims := contract.Claims("person")
	e2e.Await(t, "the first commit of route", func() string {
		source.Alive()
		processor.Alive()
		if count(claims) == 0 {
			return "no claims"
		}
		return ""
	})
	processor.Kill()
	e2e.Await(t, "all rows", func() string {
		source.Alive()
		if s := e2e.Statuses(t.Context(), t, j)["ga-files"]; s.Rows < int64(people)+1 || s.State != contract.StateRunning {
			return fmt.Sprintf("%d rows, it is %s %s", s.Rows, s.State, s.Error)
		}
		return ""
	})
	for range 2 { // the first pass may have begun before
		expired(t, p.Brokers)
	}
	admin := kafkaAdmin(t, p.Brokers)
	starts, err := admin.ListStartOffsets(t.Context(), p.Prefix+string(claims), p.Prefix+string(contract.Quarantine), p.Prefix+string(contract.Raw("GA02")))
	if err != nil {
		t.Fatal(err)
	}
	starts.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 || o.Err != nil {
			t.Errorf("the broker has deleted what came just now: %s/%d begins at %d, %v", o.Topic, o.Partition, o.Offset, o.Err)
		}
	})
	processor = p.Launch(t, e2e.ProcessorsRole)
	e2e.Await(t, "everybody", func() string {
		processor.Alive()
		there := map[string]bool{}
		err := j.Bus.Replay(t.Context(), contract.Shared("person.partial"), func(r bus.Record) error {
			there[string(r.Key)] = r.Value != nil
			return nil
		})
		if err != nil || len(there) != people+1 {
			return fmt.Sprintf("%d of %d, %v", len(there), people+1, err)
		}
		return ""
	})
	if q := quarantined(j); len(q) != 1 || q[0].field != "GMSFHM" {
		t.Errorf("quarantine holds %v", q)
	}
	processor.Stop()
	source.Stop()
}

// kafkaAdmin asks the brokers themselves.
func kafkaAdmin(t testing.TB, brokers string) *kadm.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return kadm.NewClient(client)
}

// expired waits until the broker has deleted a record because its time is long
// past, which also shows that it would.
func expired(t testing.TB, brokers string) {
	t.Helper()
	topic := e2e.UniquePrefix() + "old"
	admin := kafkaAdmin(t, brokers)
	dated := "CreateTime"
	if _, err := admin.CreateTopic(t.Context(), 1, 1, map[string]*string{"message.timestamp.type": &dated}, topic); err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.RequiredAcks(kgo.AllISRAcks()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("x"), Timestamp: time.Now().Add(-60 * 24 * time.Hour)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	e2e.Await(t, "a record of two months ago is deleted", func() string {
		at, err := admin.ListStartOffsets(t.Context(), topic)
		if err != nil {
			return err.Error()
		}
		if o, _ := at.Lookup(topic, 0); o.Offset == 0 {
			return "it is still there"
		}
		return ""
	})
}
