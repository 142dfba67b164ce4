package file_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/file"
)

// marked drops a file behind a first one, reads it to its end and returns the keys of the
// rows that are marked as refused, the deletes, and what the source says at last.
func marked(t *testing.T, src connectors.Source, dir, name, content string) (keys []string, gone int, last connectors.Batch) {
	t.Helper()
	drop(t, dir, name, content)
	for {
		b, err := src.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range b.Refused {
			keys = append(keys, r.Key)
			if r.Dataset.ID != "ZJ01" || r.Origin.Source != "zj-file" {
				t.Errorf("a refused row says %+v", r)
			}
		}
		gone += deletes(result{changes: b.Changes})
		for _, x := range b.Rejections {
			if strings.Contains(x.Detail+x.Locator, "B000") || strings.Contains(x.Detail, "张三") {
				t.Errorf("a rejection shows a value: %+v", x)
			}
		}
		if err := src.(connectors.Confirmer).Confirm(t.Context(), b.After); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.Do, "accept") {
			t.Fatalf("it waits for a person: %s", b.Held)
		}
		if (!b.CaughtUp.IsZero() || b.Held != "" && b.After == last.After) && settled(t, dir) {
			return keys, gone, b
		}
		last = b
	}
}

// A row that is refused is told by its key wherever the key is certain, whatever else is
// wrong with the row, in either mode. A key that may be another's is not told.
func TestRefusedRowIsToldByItsKey(t *testing.T) {
	t.Parallel()
	const h = head
	one := []string{"B0002"}
	member := func(s string) string { return `{"JZWBM":"B0002",` + s + `"LDZB":"x","CS":3,"BZDZ":"y"}` + "\n" }
	wide := strings.Builder{}
	for i := range 1100 {
		fmt.Fprintf(&wide, `"x%d":1,`, i)
	}
	for _, tt := range []struct {
		name, file, content string
		want                []string
	}{
		{"an unknown member", "2.jsonl", member(`"张三":1,`), one},
		{"unknown members before and behind", "2.jsonl", `{"x":1,"建筑物编码":"B0002","LDZB":"x","CS":3,"BZDZ":"y","z":null}` + "\n", one},
		{"an unknown member in an array", "2.json", "[" + member(`"x":1,`) + "]", one},
		{"an unknown member that is nested", "2.ndjson", member(`"x":{"y":[1]},`), one},
		{"a field that is nested", "2.jsonl", `{"JZWBM":"B0002","LDZB":["x"],"CS":3,"BZDZ":"y"}` + "\n", one},
		{"another field twice", "2.jsonl", member(`"层数":4,`), one},
		{"too many members", "2.jsonl", member(wide.String()), one},
		{"an unknown member and a bad amount", "2.jsonl", `{"x":1,"JZWBM":"B0002","LDZB":"x","CS":"many","BZDZ":"y"}` + "\n", one},
		{"a bad amount", "2.csv", h + "B0002,x,many,y\n", one},
		{"another charset", "2.csv", h + "B0002,云,3,云岭路\n" + gb(t, "B0003,云岭,3,云岭路三号\n") + rows(4, 20), []string{"B0003"}},
		{"the other charset", "2.csv", gb(t, h+rows(4, 20)) + "B0003,云,3,云岭路三\n", []string{"B0003"}},
		{"bytes that are none", "2.csv", h + "B0002,\xff\xff,3,y\n" + rows(4, 9), one},

		{"the key is another member", "2.jsonl", `{"BM":"B0002","LDZB":"x","CS":3,"BZDZ":"y"}` + "\n", nil},
		{"the key twice", "2.jsonl", member(`"建筑物编码":"B0003",`), nil},
		{"the key twice, once nested", "2.jsonl", member(`"建筑物编码":{},`), nil},
		{"the key is nested", "2.jsonl", `{"JZWBM":["B0002"],"LDZB":"x","CS":3,"BZDZ":"y"}` + "\n", nil},
		{"the key is null", "2.jsonl", `{"JZWBM":null,"LDZB":"x","CS":3,"BZDZ":"y","x":1}` + "\n", nil},
		{"the key is not valid", "2.jsonl", `{"JZWBM":true,"LDZB":"x","CS":3,"BZDZ":"y","x":1}` + "\n", nil},
		{"a name twice", "2.jsonl", member(`"JZWBM":"B0003",`), nil},
		{"no JSON", "2.jsonl", `{"JZWBM":"B0002","LDZB":"x"` + "\n", nil},
		{"the key in another charset", "2.csv", gb(t, h+rows(4, 20)) + "B云3,云,3,云岭路三\n", nil},
		{"a surplus column", "2.csv", h + "B0002,7,x,3,y\n", nil},
		{"a missing column", "2.csv", h + "B0002,3,y\n", nil},
		{"a surplus column and bytes that are none", "2.csv", h + "B0002,7,\xff,3,y\n" + rows(4, 9), nil},
		{"a column without heading", "2.csv", "JZWBM,LDZB,CS,BZDZ,\nB0002,7,x,3,y\n", nil},
		{"a damaged column without heading", "2.csv", "JZWBM,LDZB,CS,BZDZ,\nB0002,7,x,3,\xff\n" + strings.ReplaceAll(rows(4, 9), "\n", ",\n"), nil},
		{"an open quote", "2.csv", h + "B0002,\"x,3,y\n", nil},
		{"the heading again", "2.csv", h + rows(4, 9) + h, nil},
	} {
		for _, mode := range []string{"append", "replace"} {
			t.Run(tt.name+", "+mode, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				src := open(t, config(t, dir, map[string]any{"mode": mode, "delete_limit": "100%"}))
				drop(t, dir, "1.csv", h+rows(1, 9))
				idle(t, src, dir)
				if keys, _, _ := marked(t, src, dir, tt.file, tt.content); !slices.Equal(keys, tt.want) {
					t.Errorf("told are %q, want %q", keys, tt.want)
				}
			})
		}
	}
}

// A whole table in which the key of every row can be read tells what is gone, also where
// some rows are refused; one in which a refused row may be any does not.
func TestRefusedRowsAndDeletes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		content string
		gone    int
	}{
		"an unknown member": {jsonRows(1, 7) + `{"JZWBM":"B0008","LDZB":"x","CS":3,"BZDZ":"y","x":1}` + "\n", 2},
		"a key not read":    {jsonRows(1, 8) + `{"BM":"B0009","LDZB":"x","CS":3,"BZDZ":"y"}` + "\n", 0},
		"damaged bytes":     {head + rows(1, 7) + "B0008,\xff\xff,3,y\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			src := open(t, config(t, dir, map[string]any{"mode": "replace", "delete_limit": "100%"}))
			drop(t, dir, "1.csv", head+rows(1, 10))
			idle(t, src, dir)
			name := "2.jsonl"
			if strings.HasPrefix(tt.content, head) {
				name = "2.csv"
			}
			if _, gone, _ := marked(t, src, dir, name, tt.content); gone != tt.gone {
				t.Errorf("%d deletes, want %d", gone, tt.gone)
			}
		})
	}
}

// A delivery of which no row could be taken stands as one that could not be taken as a
// whole: the source stands still, nothing is deleted, what stood before is known still, and
// its being mended goes on from it. In mode append, where a row is told by its key that is
// enough.
func TestNoRowCouldBeTaken(t *testing.T) {
	t.Parallel()
	const unknown = `{"JZWBM":"B0001","LDZB":"x","CS":3,"BZDZ":"y","x":1}` + "\n"
	for _, tt := range []struct {
		name, mode, file, content string
		held                      bool
	}{
		{"unknown members", "replace", "2.jsonl", strings.Repeat(unknown, 7), true},
		{"bad amounts", "replace", "2.csv", head + "B0001,x,many,y\nB0002,x,many,y\nB0003,x,many,y\nB0004,x,many,y\n", true},
		{"a surplus column", "replace", "2.csv", head + strings.ReplaceAll(rows(1, 8), "\n", ",\n"), true},
		{"a surplus column", "append", "2.csv", head + strings.ReplaceAll(rows(1, 8), "\n", ",\n"), true},
		{"one key not told", "append", "2.csv", head + "B0001,3,y\nB0002,x,many,y\nB0003,x,many,y\nB0004,x,many,y\n", true},
		{"unknown members", "append", "2.jsonl", strings.Repeat(unknown, 7), false},
		{"one row is taken", "replace", "2.csv", head + "B0002,x\n" + rows(1, 1), false},
		{"one row is taken", "append", "2.csv", head + rows(1, 1) + "B0002,x\nB0002,x\nB0002,x\nB0002,x\n", false},
	} {
		t.Run(tt.name+", "+tt.mode, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cfg := config(t, dir, map[string]any{"mode": tt.mode, "delete_limit": "100%"})
			src := open(t, cfg)
			// Of a first delivery it says the same, and nobody is said to be absent.
			_, _, b := marked(t, src, dir, "0"+filepath.Ext(tt.file), tt.content)
			if first := len(b.Awaited) == 1; first != (tt.held || tt.name == "unknown members") || (b.Held != "") != tt.held {
				t.Errorf("after a first delivery it says %+v", b)
			}
			if _, _, b = marked(t, src, dir, "00000001-0"+filepath.Ext(tt.file), good(tt.file, 9)); b.Held != "" || len(b.Awaited) > 0 {
				t.Fatalf("after a good file it says %+v", b)
			}
			b = reopened(t, &src, cfg, tt.file, tt.content)
			if (b.Held != "") != tt.held || tt.held && !strings.Contains(b.Held, "00000003") {
				t.Fatalf("it says %+v", b)
			}
			if !tt.held {
				return
			}
			why, err := os.ReadFile(filepath.Join(dir, "rejected", "00000003-"+tt.file+".reason"))
			if err != nil || !strings.Contains(string(why), "没有一行") || !strings.Contains(string(why), " / not one row") {
				t.Errorf("its reason is %q, %v", why, err)
			}
			_, gone, b := marked(t, src, dir, "00000003-"+tt.file, good(tt.file, 7))
			if want := map[string]int{"append": 0, "replace": 2}[tt.mode]; gone != want || b.Held != "" || b.CaughtUp.IsZero() {
				t.Errorf("after a later delivery %d deletes, want %d, and it says %+v", gone, want, b)
			}
		})
	}
}

// good is a file of that name of which all rows can be taken.
func good(name string, last int) string {
	if strings.HasSuffix(name, ".csv") {
		return head + rows(1, last)
	}
	return jsonRows(1, last)
}

// reopened drops a file and reads it, the source opened anew behind every batch. Nothing is
// deleted.
func reopened(t *testing.T, src *connectors.Source, cfg connectors.Config, name, content string) connectors.Batch {
	t.Helper()
	dir := cfg.Options["dir"].(string)
	drop(t, dir, name, content)
	for {
		b, err := (*src).Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if deletes(result{changes: b.Changes}) > 0 {
			t.Error("it deletes")
		}
		if err := (*src).(connectors.Confirmer).Confirm(t.Context(), b.After); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.Do, "accept") {
			t.Fatalf("it waits for a person: %s", b.Held)
		}
		if (!b.CaughtUp.IsZero() || b.Held != "" && len(b.Changes)+len(b.Rejections) == 0) && settled(t, dir) {
			return b
		}
		if len(b.Rejections)+len(b.Changes) == 0 {
			continue
		}
		if err := (*src).Close(); err != nil {
			t.Fatal(err)
		}
		if *src, err = file.Open(t.Context(), cfg, b.After); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = (*src).Close() })
	}
}
