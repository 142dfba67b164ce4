package embedded_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus/embedded"
)

// java is the folder of Kafka's own Java libraries.
func java(t *testing.T) string {
	t.Helper()
	libs := os.Getenv("YIYUAN_TEST_KAFKA_LIBS")
	if libs == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("YIYUAN_TEST_KAFKA_LIBS is not set")
		}
		t.Skip("YIYUAN_TEST_KAFKA_LIBS is not set")
	}
	return libs
}

// A Java client over a backlog of all topics is given all of it: in the first answer
// of a fetch session it must be told of every partition it asked for, also of those
// for which there is no room, or it takes the answer for broken and asks again for ever.
func TestJavaReadsALargeBacklog(t *testing.T) {
	libs := java(t)
	const topics, partitions, each = 47, 8, 20
	b := start(t, embedded.Options{})
	defer b.Close()
	producer := client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	names := make([]string, topics)
	for i := range names {
		names[i] = fmt.Sprintf("city.%02d", i)
	}
	_, err := kadm.NewClient(producer).CreateTopics(t.Context(), partitions, 1, nil, names...)
	must(t, err)
	value := []byte(strings.Repeat("v", 1000))
	for range each {
		var records []*kgo.Record
		for _, name := range names {
			for p := range int32(partitions) {
				records = append(records, &kgo.Record{Topic: name, Partition: p, Value: value})
			}
		}
		must(t, producer.ProduceSync(t.Context(), records...).FirstErr())
	}
	args := []string{"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", libs + "/*", "testdata/Backlog.java", b.Addrs()[0], "city.", strconv.Itoa(topics * partitions * each)}
	args = append(args, "-", "fetch.max.bytes=100000", "fetch.max.bytes=1,max.partition.fetch.bytes=1")
	out, err := exec.CommandContext(t.Context(), "java", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v after\n%.2000s", err, out)
	}
	t.Logf("records, partitions, ms of the offsets and of those by time:\n%s", out)
}
