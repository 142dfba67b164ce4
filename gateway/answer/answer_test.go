package answer_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

func TestAppendRecord(t *testing.T) {
	t.Parallel()
	row := schemas.MustLayout("t", "Row", schemas.Column{Name: "a", Type: schemas.String})
	l := schemas.MustLayout("t", "R",
		schemas.Column{Name: "s", Type: schemas.String, Nullable: true},
		schemas.Column{Name: "n", Type: schemas.Long},
		schemas.Column{Name: "d", Type: schemas.Date},
		schemas.Column{Name: "t", Type: schemas.Timestamp},
		schemas.Column{Name: "b", Type: schemas.Boolean},
		schemas.Column{Name: "f", Type: schemas.Double},
		schemas.Column{Name: "m", Type: schemas.Decimal, Precision: 16, Scale: 4},
		schemas.Column{Name: "x", Type: schemas.Bytes},
		schemas.Column{Name: "r", Type: schemas.Rows, Rows: row},
		schemas.Column{Name: "hidden", Type: schemas.String},
	)
	at := time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC)
	r := schemas.NewRecord(l, []schemas.Value{
		schemas.Null, schemas.Int(-7), schemas.Day(at), schemas.Millis(at), schemas.Bool(true), schemas.Float(1.5), schemas.Int(-12),
		schemas.Binary("digest"), schemas.Table([]schemas.Record{schemas.NewRecord(row, []schemas.Value{schemas.Text("<b>\"\u2028王")})}), schemas.Text("never"),
	})
	got := string(answer.AppendRecord(nil, r, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}))
	want := `{"s":null,"n":-7,"d":"2026-03-04","t":"2026-03-04T13:06:07.008+08:00","b":true,"f":1.5,"m":"-0.0012","x":null,` +
		`"r":[{"a":"\u003cb\u003e\"\u2028王"}]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n     int64
		scale int
		want  string
	}{{0, 0, "0"}, {0, 2, "0.00"}, {5, 2, "0.05"}, {12345, 2, "123.45"}, {-1, 4, "-0.0001"}, {math.MinInt64, 0, "-9223372036854775808"}} {
		if got := string(answer.AppendDecimal(nil, c.n, c.scale)); got != c.want {
			t.Errorf("AppendDecimal(%d, %d) = %s, want %s", c.n, c.scale, got, c.want)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("王\x00<script>\xff\u2029\\\"")
	f.Fuzz(func(t *testing.T, s string) {
		var got, want string
		if err := json.Unmarshal(answer.AppendString(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		std, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(std, &want); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("reads back as %q, want %q", got, want)
		}
	})
}
