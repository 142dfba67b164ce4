package guard_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/guard"
)

// stand is of one table with the columns id and note, read up to 0/100.
func stand(snapshot bool) *guard.Stand {
	return &guard.Stand{Reached: 0x100, Allowed: 0x100, Ground: guard.Ground{
		Publication: "p", Slot: "s", Snapshot: snapshot,
		Tables: map[string]guard.Table{"public.t": {Schema: "public", Relation: "t", OID: 7, Columns: []string{"id", "note"}, Key: []string{"id"}}},
		Lost:   func(zh, _ string) error { return fmt.Errorf("%s: %w", zh, connectors.ErrPositionLost) },
	}}
}

// What md5 begins with, as the server tells columns: id, note, other.
const id, note, other = "b80bb7740288", "aad653ca3ee6", "795f3202b17c"

// TestHold changes one fact after another; what each means is told by its words.
func TestHold(t *testing.T) {
	was := guard.Facts{
		"end": {"": "0/100"}, "slot": {"": "true"}, "slot.confirmed": {"": "0/100"}, "publication.operations": {"": "t t t t"},
		"table": {"public.t": "7"}, "table.name": {"public.t": "true"}, "table.leaves": {"public.t": "1/10=true,2/20=true"},
		"table.columns": {"public.t": "1 " + id + ",2 " + note + ",3 " + other}, "table.content": {"public.t": "50;9 " + id + ",9 " + note},
		"table.hidden": {"public.t": ""}, "table.identity": {"public.t": "id"},
	}
	for _, c := range []struct {
		kind, subject, is string
		want              string // said, "" = it holds
		waits             bool
	}{
		{"end", "", "0/FF", "日志的末端在已读位置之前", false},
		{"end", "", "0/200", "", false},
		{"slot", "", "false", `复制槽 "s" 已不存在`, false},
		{"slot.confirmed", "", "0/101", "越过了已存位置", false},
		{"publication.operations", "", "t t t f", "操作清单", false},
		{"table", "public.t", "8", "被删除、换掉或重建", false},
		{"table.name", "public.t", "false", "被改名", true},
		{"table.leaves", "public.t", "1/10=true,2/20=true,3/30=true", "", false}, // a new one, born as such
		{"table.leaves", "public.t", "1/10=true,2/20=true,3/30=false", "挂入", false},
		{"table.leaves", "public.t", "1/10=true,2/21=true", "清空或重写", false},
		{"table.leaves", "public.t", "1/10=true", "拆下", false},
		{"table.columns", "public.t", "1 " + id + ",2 " + note, "", false}, // one that is not mapped went
		{"table.columns", "public.t", "1 " + id + ",4 " + note + ",3 " + other, "删除后重建", false},
		{"table.content", "public.t", "51;9 " + id + ",9 " + note, "", false},  // VACUUM FULL
		{"table.content", "public.t", "50;9 " + id + ",10 " + note, "", false}, // an entry alone
		{"table.content", "public.t", "51;9 " + id + ",10 " + note, "整表重写", false},
		{"table.hidden", "public.t", other, "", false},
		{"table.hidden", "public.t", other + "," + note, "权限被收回", true},
		{"table.identity", "public.t", "*", "", false},
		{"table.identity", "public.t", "serial", "复制标识", true},
		{"table.identity", "public.t", "id\x02serial", "复制标识", true}, // of a partition
	} {
		seen := maps.Clone(was)
		seen[c.kind] = map[string]string{c.subject: c.is}
		err := stand(true).Hold(was, seen)
		switch {
		case c.want == "":
			if err != nil {
				t.Errorf("%s = %q: %v", c.kind, c.is, err)
			}
		case err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, connectors.ErrWaiting) != c.waits || errors.Is(err, connectors.ErrPositionLost) == c.waits:
			t.Errorf("%s = %q: %v, want %q, waiting: %t", c.kind, c.is, err, c.want, c.waits)
		}
	}
	seen := maps.Clone(was)
	seen["table.hidden"], seen["slot"] = map[string]string{"public.t": note}, map[string]string{"": "false"}
	if err := stand(true).Hold(was, seen); !errors.Is(err, connectors.ErrPositionLost) {
		t.Errorf("of two, what can be mended is told first: %v", err)
	}
	seen = maps.Clone(was)
	seen["table.hidden"] = map[string]string{"public.t": note}
	if err := stand(false).Hold(was, seen); err != nil {
		t.Errorf("without first rows nothing is read from the table: %v", err)
	}
}

// TestTakeUp: what grew stands for what was, and is noticed when it changes again.
func TestTakeUp(t *testing.T) {
	want := guard.Facts{"table.leaves": {"public.t": "1/10=true"}}
	seen := guard.Facts{"table.leaves": {"public.t": "1/10=true,2/20=true"}}
	if !stand(true).TakeUp(want, seen) || stand(true).TakeUp(want, seen) {
		t.Error("a new partition is not taken up once")
	}
	kept, err := guard.Recall(want.Kept(), "sys", 1, guard.Facts{})
	if err != nil {
		t.Fatal(err)
	}
	err = stand(true).Hold(kept, guard.Facts{"table.leaves": {"public.t": "1/10=true"}, "system": {"": "sys"}, "timeline": {"": "00000001"}})
	if !errors.Is(err, connectors.ErrPositionLost) {
		t.Errorf("after a restart a partition that went is not missed: %v", err)
	}
	if _, err := guard.Recall([]byte("[]"), "sys", 1, nil); !errors.Is(err, connectors.ErrPositionLost) {
		t.Errorf("what is no facts: %v", err)
	}
}
