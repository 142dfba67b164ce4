package push_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors/push"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// TestAbsentMembers pushes rows that leave out a nullable member: what is known of
// it is kept, by a header of the record, unless null was declared.
func TestAbsentMembers(t *testing.T) {
	t.Parallel()
	for name, absent := range map[string]any{"keep": "keep", "null": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBus(t)
			cfg := config(t)
			cfg.Name, cfg.Options = "ga-push", map[string]any{"absent": absent}
			d, err := cfg.Catalogue.Dataset("GA02")
			if err != nil {
				t.Fatal(err)
			}
			cfg.Datasets = []*schemas.Dataset{cfg.Datasets[0], d}
			if err := b.Ensure(t.Context(), contract.Spec{Topic: contract.Raw("GA02"), Compact: true}); err != nil {
				t.Fatal(err)
			}
			l := run(t, b, cfg, push.Config{})
			l.key = gaKey
			row := `{"GMSFHM":"'539902198503120013","DJH":"R1","JZDXZQHDM":"539903","JZDZ":"云岭市岭西区","QSRQ":"2026-01-02","ZZRQ":null`
			if r := l.must(t, "GA02", row+"}"); r.status != http.StatusOK {
				t.Fatalf("%d %s", r.status, r.body)
			}
			kept, key := "", ""
			err = b.Replay(t.Context(), contract.Raw("GA02"), func(r bus.Record) error {
				kept, key = string(r.Header("keep")), string(r.Key)
				return nil
			})
			if want := map[string]string{"keep": "LXDH"}[name]; err != nil || kept != want || key != "539902198503120013|R1" {
				t.Errorf("kept are %q of %q (%v), want %q", kept, key, err, want)
			}
			for what, body := range map[string]string{
				"number as key": strings.Replace(row, `"R1"`, "17", 1) + "}", "true as key": strings.Replace(row, `"R1"`, "true", 1) + "}", "1e30 as key": strings.Replace(row, `"R1"`, "1e30", 1) + "}",
				"number as id": strings.Replace(row, `"'539902198503120013"`, "539902198503120013", 1) + "}", "quotes in the key": strings.Replace(row, "R1", "R”1", 1) + "}",
				"mistyped name": row + `,"LXHD":"19900001234"}`,
			} {
				if r := l.must(t, "GA02", body); r.status != http.StatusUnprocessableEntity || strings.Contains(r.body, "LXHD") || what == "mistyped name" && !strings.Contains(r.body, "第 7 个成员") {
					t.Errorf("%s: %d %s", what, r.status, r.body)
				}
			}
		})
	}
}

// TestFieldsNamedAsTheEnvelope: of a dataset whose fields are called as what goes around a
// row, rows are told from envelopes, so that what was pushed can be deleted.
func TestFieldsNamedAsTheEnvelope(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{}
	root := yunling.Files()
	if err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, name)
		files[name] = &fstest.MapFile{Data: text}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	files["datasets/OP01.yaml"] = &fstest.MapFile{Data: []byte(`dataset: OP01
title: 操作登记
provider: ZJ
code: 103090009/000001
class: A
cycle: daily
key: [op]
fields:
  - {name: op, title: 编号, element: certificate}
  - {name: row, title: 行, element: certificate, nullable: true}
  - {name: key, title: 钥匙, element: certificate, nullable: true}
views:
  open: {title: 操作登记}
`)}
	cat, err := manifest.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	d, err := cat.Dataset("OP01")
	if err != nil {
		t.Fatal(err)
	}
	b := newBus(t)
	if err := b.Ensure(t.Context(), contract.Spec{Topic: contract.Raw("OP01"), Compact: true}); err != nil {
		t.Fatal(err)
	}
	cfg := config(t)
	cfg.Catalogue, cfg.Datasets = cat, append(cfg.Datasets, d)
	l := run(t, b, cfg, push.Config{})
	for body, status := range map[string]int{
		`[{"op":"A1","row":"R1","key":"K1"},{"op":"delete","key":"K2"},{"op":"A3"},{"op":"upsert","row":{"op":"A4","key":"K4"}},{"op":"delete","key":{"op":"A1"}},{"op":"delete","key":{"op":"delete"}}]`: http.StatusOK,
		`{"op":"delete","key":{"op":"A1"},"row":"R1"}`:   http.StatusUnprocessableEntity,
		`{"op":"A1","row":["R1"]}`:                       http.StatusUnprocessableEntity,
		`{"op":"delete","row":{"op":"A1"}}`:              http.StatusUnprocessableEntity,
		`{"op":"delete","key":{"op":"A1","row":"R1"}}`:   http.StatusUnprocessableEntity,
		`{"op":"delete","key":{"op":"A1","other":"R1"}}`: http.StatusUnprocessableEntity,
	} {
		if r := l.must(t, "OP01", body); r.status != status {
			t.Errorf("%s: %d %s, want %d", body, r.status, r.body, status)
		}
	}
	var got []string
	if err := b.Replay(t.Context(), contract.Raw("OP01"), func(r bus.Record) error {
		got = append(got, string(r.Header(contract.Operation))+" "+string(r.Key))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got) // partitions in any order
	if want := []string{"d A1", "d DELETE", "u A1", "u A3", "u A4", "u DELETE"}; !slices.Equal(got, want) {
		t.Errorf("published are %q, want %q", got, want)
	}
}

// TestLateRetry repeats the first request after more than a thousand others, and
// after it was forgotten: it is not applied over what came since.
func TestLateRetry(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	cfg := config(t)
	cfg.Options = map[string]any{"idempotency_entries": 1}
	l := run(t, b, cfg, push.Config{})
	sent := time.Now().Add(-time.Minute).Format(time.RFC3339)
	var others sync.WaitGroup
	for worker := range 20 { // one has sent k0 when the others end
		others.Go(func() {
			for n := worker; n < 1020; n += 20 {
				r, err := l.send(t.Context(), "ZJ01", row(n%3), "Idempotency-Key", fmt.Sprint("k", n), push.SentAt, sent)
				if err != nil || r.status != http.StatusOK {
					t.Errorf("request %d: %d %s %v", n, r.status, r.body, err)
				}
			}
		})
	}
	others.Wait()
	before := count(t, b)
	r := l.must(t, "ZJ01", row(0), "Idempotency-Key", "k0", push.SentAt, sent)
	if r.status != http.StatusOK || r.header.Get("Idempotency-Replayed") != "true" || count(t, b) != before {
		t.Errorf("after a thousand others the first was applied again: %d %s", r.status, r.body)
	}
	l.stop()
	cfg.Options = map[string]any{"idempotency_entries": 1, "idempotency_window": "1ns"}
	l = run(t, b, cfg, push.Config{})
	if r := l.must(t, "ZJ01", row(1), "Idempotency-Key", "new"); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	before = count(t, b)
	r = l.must(t, "ZJ01", row(0), "Idempotency-Key", "k0", push.SentAt, sent)
	if r.status != http.StatusConflict || !strings.Contains(r.body, "6091") || count(t, b) != before {
		t.Errorf("a forgotten one was applied again: %d %s", r.status, r.body)
	}
	if r := l.must(t, "ZJ01", row(0), push.SentAt, "yesterday"); r.status != http.StatusBadRequest {
		t.Errorf("a time that is none: %d", r.status)
	}
	if r := l.must(t, "ZJ01", row(0), "Idempotency-Key", "k-new", push.SentAt, time.Now().Add(45*time.Second).Format(time.RFC3339)); r.status != http.StatusOK {
		t.Errorf("a new one: %d %s", r.status, r.body)
	}
}
