package registry

import (
	"context"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
)

// TestForeignSubjects: what Debezium, Connect and ksqlDB register under subjects of
// their own is taken, by a client of theirs; the bus's topics stay within the profile.
func TestForeignSubjects(t *testing.T) {
	t.Parallel()
	log := newLog()
	r := open(t, log)
	client, err := sr.NewClient(sr.URLs(serve(t, r)))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	ids := map[string]int{}
	for name, text := range map[string]string{
		"primitive": `"string"`,
		"union":     `["null", "long"]`,
		"enum":      `{"type": "enum", "name": "Op", "symbols": ["c", "u", "d"]}`,
		"map":       `{"type": "map", "values": "int"}`,
		"fixed":     `{"type": "fixed", "name": "Hash", "size": 16}`,
		"array":     `{"type": "array", "items": "string"}`,
		"nested":    `{"type": "record", "name": "Envelope", "fields": [{"name": "after", "type": ["null", {"type": "record", "name": "Value", "fields": [{"name": "ts", "type": {"type": "long", "logicalType": "timestamp-micros"}}]}], "default": null}]}`,
		"recursive": `{"type": "record", "name": "List", "fields": [{"name": "next", "type": ["null", "List"], "default": null}]}`,
	} {
		made, err := client.CreateSchema(ctx, "connect-"+name, sr.Schema{Schema: text})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for other, id := range ids {
			if id == made.ID {
				t.Errorf("%s has the id of %s", name, other)
			}
		}
		ids[name] = made.ID
		// Laid out in another way it is the same, and what came back can be registered again.
		for _, again := range []string{strings.ReplaceAll(text, " ", "\n "), made.Schema.Schema} {
			if same, err := client.LookupSchema(ctx, "connect-"+name, sr.Schema{Schema: again}); err != nil || same.ID != made.ID {
				t.Errorf("%s looked up again: %d, %v, want %d", name, same.ID, err, made.ID)
			}
		}
		for _, own := range []string{"raw.GA01-value", "city.shared.person.partial-value"} {
			if _, err := client.CreateSchema(ctx, own, sr.Schema{Schema: text}); err == nil {
				t.Errorf("%s was taken for %s", name, own)
			}
		}
	}
	evolves := func(to string) bool {
		t.Helper()
		result, err := client.CheckCompatibility(ctx, "connect-enum", -1, sr.Schema{Schema: to})
		if err != nil {
			t.Fatal(err)
		}
		return result.Is
	}
	if !evolves(`{"type":"enum","name":"Op","symbols":["c","u","d","r"]}`) || evolves(`{"type":"enum","name":"Op","symbols":["c","u"]}`) {
		t.Error("an enum may gain symbols, and lose none")
	}
	if _, err := client.CreateSchema(ctx, "connect-enum", sr.Schema{Schema: `{"type":"enum","name":"Op","symbols":["c"]}`}); err == nil {
		t.Error("an enum lost symbols")
	}
	if _, err := client.CreateSchema(ctx, "connect-bad", sr.Schema{Schema: `{"type":"enum","name":"E","symbols":["a b"]}`}); err == nil {
		t.Error("no Avro was taken")
	}
	// All of it is there after a restart, under the same ids.
	again, err := Open(context.WithoutCancel(ctx), log, "city.", r.logger)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for name, id := range ids {
		again.mu.RLock()
		v, err := again.state.version("connect-"+name, "latest", false)
		again.mu.RUnlock()
		if err != nil || v.id != id {
			t.Errorf("%s after a restart: %d, %v, want %d", name, v.id, err, id)
		}
	}
}
