package doctor

import (
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// rejects writes three rejections of ga's rows, one of them as an elder build wrote it, and
// what settles one.
func rejects(t *testing.T, j *e2e.Journey) {
	t.Helper()
	var records []bus.Record
	var row string
	for i, key := range []string{"", "539902198503120013", "539902198503120021"} {
		r := contract.Rejection{Dataset: "GA01", Reason: contract.ReasonInvalid, Detail: "x / x", Source: "ga", At: time.Now(), Locator: "f:" + key[min(len(key), 16):]}
		layout, values := contract.ElderQuarantineLayout, []schemas.Value(nil)
		if key != "" {
			r.Name(j.Keys, key, "ga", schemas.Sequence{Major: uint64(i)})
			layout, row = contract.QuarantineLayout, r.Row
		}
		for i := range layout.Columns {
			values = append(values, r.Record().Value(i))
		}
		writer, err := j.Codec.Writer(t.Context(), contract.Quarantine.Subject(), layout)
		if err != nil {
			t.Fatal(err)
		}
		value, err := writer.Append(nil, schemas.NewRecord(layout, values))
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, bus.Record{Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(r.Key()), Value: value, Time: time.Now()})
	}
	s := contract.Settlement{Row: row, How: contract.SettledAccepted, By: "ga@0000000000000009.00000000"}
	value, err := s.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	records = append(records, bus.Record{Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(s.Key()), Headers: []bus.Header{{Key: contract.Settled, Value: value}}})
	if err := j.Bus.Append(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
}
