package postgres_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// TestNumbersAndMoments: amounts in every type that a department keeps them in, and
// moments before the zones of today, are what the server itself says they are, by snapshot
// and by stream.
func TestNumbersAndMoments(t *testing.T) {
	t.Parallel()
	everywhere(t, numbersAndMoments)
}

func numbersAndMoments(t *testing.T, server string) {
	t.Helper()
	for kind, amounts := range map[string][]string{
		"real":             {"1e6", "-1234567", "12345678", "0.25", "-1e10"},
		"double precision": {"1e15", "-1.25e15", "1234567890123456", "123456789012.75", "0.01"},
		"money":            {"-1234567.89::numeric", "0.05::numeric", "-0.05::numeric", "999999.99::numeric"},
		"numeric":          {"1e15", "-0.010"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			db := newDatabaseOn(t, server)
			tables := map[string]any{}
			for name, id := range map[string]string{"t1": "T01", "t2": "T02"} {
				db.table(t, name)
				db.must(t, "ALTER TABLE "+name+" ALTER amount TYPE "+kind+" USING NULL", "ALTER TABLE "+name+" ALTER count TYPE double precision")
				tables[name] = map[string]any{"dataset": id}
			}
			fill := func(table string) {
				for i, a := range amounts {
					db.must(t, fmt.Sprintf(`INSERT INTO %s VALUES ('n', '%d', null, (%s)::%s, 1e15 + %d, null, null, ('1900-01-01 00:00:00.5 Asia/Shanghai'::timestamptz + %d * interval '9 years'), '1890-05-05')`, table, i, a, kind, i, i))
				}
			}
			fill("t1")
			cfg := db.config(t, map[string]any{"tables": tables})
			src := open(t, cfg, "")
			fill("t2")
			c := collect(t, src, true, atLeast(2*len(amounts)))
			if len(c.rejections) > 0 {
				t.Fatalf("refused: %+v", c.rejections)
			}
			rows, err := db.Query(t.Context(), `SELECT 'n|' || id, amount::`+map[bool]string{true: "numeric", false: "text::numeric"}[kind == "money"]+`::numeric(18,2)::text || ' ' || count::text::numeric || ' ' ||
				floor(extract(epoch FROM at) * 1000)::bigint || ' ' || floor(extract(epoch FROM local AT TIME ZONE 'Asia/Shanghai') * 1000)::bigint FROM t1`)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{}
			var key, text string
			if _, err := pgx.ForEachRow(rows, []any{&key, &text}, func() error { want["T01 "+key], want["T02 "+key] = text, text; return nil }); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, x := range c.changes {
				r, at := x.Record, func(name string) int64 { return x.Record.Get(name).Int64() }
				got[x.Dataset.ID+" "+x.Key] = fmt.Sprintf("%s %d %d %d", element.Render(x.Dataset.Fields[3].Element, r.Get("AMOUNT")), at("COUNT"), at("AT"), at("LOCAL"))
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("rows (-server +source):\n%s", d)
			}
		})
	}
}
