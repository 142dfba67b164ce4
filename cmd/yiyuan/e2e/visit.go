package e2e

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/resolve"
	"github.com/yiyuan-bus/yiyuan/processors/route"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// SampleCatalogue is the sample city's.
func SampleCatalogue(t testing.TB) *schemas.Catalogue {
	t.Helper()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// CatalogueIn is the catalogue of a folder.
func CatalogueIn(t testing.TB, dir string) *schemas.Catalogue {
	t.Helper()
	cat, err := manifest.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// Visit looks at the sample city that another process runs, with the key ring of the tests.
func Visit(t testing.TB, brokers []string, prefix string, seed int64, base time.Time) *Journey {
	t.Helper()
	return VisitUnder(t, Keys(t), SampleCatalogue(t), brokers, prefix, seed, base)
}

// VisitUnder looks at a city of any catalogue and keys, once its topics are there.
func VisitUnder(t testing.TB, keys *keyring.Keyring, cat *schemas.Catalogue, brokers []string, prefix string, seed int64, base time.Time) *Journey {
	t.Helper()
	b, err := bus.Open(t.Context(), bus.Config{Brokers: brokers, Prefix: prefix}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	Await(t, "schemas", func() string { return absent(t.Context(), b, contract.Schemas) })
	schemaLog, err := registry.Open(t.Context(), b.SchemaLog(), "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(schemaLog.Close)
	c := codec.New(schemaLog)
	steps := []processors.Step{route.New(cat, c, keys)}
	topics := []contract.Topic{contract.Findings, contract.Refused, contract.Quarantine, contract.Audit, contract.Sources}
	for _, e := range cat.Entities {
		steps = append(steps, resolve.New(cat, c, keys, e.ID))
		topics = append(topics, contract.Claims(e.ID))
		if len(e.Fields) > 0 {
			topics = append(topics, contract.Resolved(e.ID))
		}
	}
	for _, d := range cat.Datasets {
		topics = append(topics, contract.Raw(d.ID))
	}
	for _, s := range steps { // the last that a process makes
		topics = append(topics, contract.State(s.Name))
	}
	Await(t, "topics", func() string { return absent(t.Context(), b, topics...) })
	return &Journey{TB: t, Bus: b, Brokers: brokers, Prefix: prefix, Cat: cat, Codec: c, Keys: keys, Steps: steps, Base: base, Seed: seed, Ctx: t.Context()}
}

// absent says what of the topics is not there yet.
func absent(ctx context.Context, b *bus.Bus, topics ...contract.Topic) string {
	if _, err := b.EndOffsets(ctx, topics...); err != nil {
		return err.Error()
	}
	return ""
}

// TopicsOf are all topics of a bus.
func TopicsOf(t testing.TB, brokers []string, prefix string) []contract.Topic {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	there, err := kadm.NewClient(client).ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []contract.Topic
	for _, name := range there.Names() {
		if topic, ours := strings.CutPrefix(name, prefix); ours {
			out = append(out, contract.Topic(topic))
		}
	}
	return out
}
