package file_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/traditionalchinese"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// verdict is what a file of the corpus must come to.
type verdict struct {
	keys []string // of the rows that pass
	bad  []string // "line:field reason" of those that do not, "reason" of the file
	dir  string   // where the file ends
}

// corpus is the bad input of a drop folder: good neighbours must pass in each.
func corpus(t *testing.T) []struct {
	name, file, content string
	options             map[string]any
	want                verdict
} {
	t.Helper()
	const h = head
	utf16 := func(s string, swap bool) string {
		out := []byte{0xFF, 0xFE}
		if swap {
			out = []byte{0xFE, 0xFF}
		}
		for _, r := range s {
			lo, hi := byte(r), byte(r>>8)
			if swap {
				lo, hi = hi, lo
			}
			out = append(out, lo, hi)
		}
		return string(out)
	}
	ok := func(n int, bad ...string) verdict { return verdict{names(1, n), bad, "done"} }
	none := func(bad ...string) verdict { return verdict{nil, bad, "rejected"} }
	return []struct {
		name, file, content string
		options             map[string]any
		want                verdict
	}{
		{"plain", "a.csv", h + rows(1, 2), nil, ok(2)},
		{"no newline at the end", "a.csv", strings.TrimRight(h+rows(1, 2), "\n"), nil, ok(2)},
		{"CR LF", "a.csv", strings.ReplaceAll(h+rows(1, 2), "\n", "\r\n"), nil, ok(2)},
		{"CR alone", "a.csv", strings.ReplaceAll(h+rows(1, 2), "\n", "\r"), nil, ok(2)},
		{"blank lines", "a.csv", h + "\n  \n" + rows(1, 1) + "\r\n\n" + rows(2, 2) + "\n\n", nil, ok(2)},
		{"UTF-8 with mark", "a.csv", "\xEF\xBB\xBF" + h + rows(1, 2), nil, ok(2)},
		{"GB18030", "a.csv", gb(t, "建筑物编码,楼栋坐标,层数,标准地址\n"+rows(1, 2)), nil, ok(2)},
		{"GB18030 with four-byte characters", "a.csv", gb(t, h+"B0001,㐀𠮷,3,云岭路1号\n"), nil, ok(1)},
		{"GB18030 with mark", "a.csv", "\x84\x31\x95\x33" + gb(t, h+rows(1, 2)), nil, ok(2)},
		{"GB18030 as declared", "a.csv", gb(t, h+rows(1, 2)), map[string]any{"charset": "gb18030"}, ok(2)},
		{"declared UTF-8 is GB18030", "a.csv", h + gb(t, rows(1, 1)) + "B0002,x,3,x\n", map[string]any{"charset": "utf-8"}, none("unreadable")},
		{"declared GB18030 has a UTF-8 mark", "a.csv", "\xEF\xBB\xBF" + h + rows(1, 1), map[string]any{"charset": "gb18030"}, none("unreadable")},
		{"bad bytes in UTF-8", "a.csv", h + rows(1, 1) + "B0009,\xff\xff\xff,3,x\n" + rows(2, 2), nil, ok(2, "3: unreadable")},
		{"a character of UTF-8 that is cut", "a.csv", h + rows(1, 1) + "B0009,\xE4\xBA,3,x\n" + rows(2, 3), nil, ok(3, "3: unreadable")},
		{"neither charset", "a.csv", h + "B0002,\xff\xff\xff,3,x\n", nil, none("unreadable")},
		{"declared GB18030 is UTF-8", "a.csv", h + rows(1, 1), map[string]any{"charset": "gb18030"}, none("unreadable")},
		{"Big5", "a.csv", h + big5(t, "B0001,臺北市,3,中正區重慶南路\n"), nil, none("unreadable")},
		{"declared GB18030 is Big5", "a.csv", h + big5(t, "B0001,臺北市,3,中正區重慶南路\n"), map[string]any{"charset": "gb18030"}, none("unreadable")},
		{"GB18030 that is also UTF-8", "a.csv", h + gb(t, "B0001,一,3,一\n"), nil, ok(1)},
		{"a middle dot, in either charset", "a.csv", h + "B0001,\xC2\xB7,3,x\n", nil, none("unreadable")},
		{"a middle dot as declared", "a.csv", h + "B0001,路,3,路\n", map[string]any{"charset": "utf-8"}, ok(1)},
		{"one rare character of GBK", "a.csv", h + gb(t, "B0001,喆,3,x\n"), nil, ok(1)},
		{"Uyghur in UTF-8", "a.csv", h + "B0001,ئۇيغۇر,3,شىنجاڭ\n", nil, ok(1)},
		{"UTF-16 little endian", "a.csv", utf16(h+rows(1, 1), false), nil, none("unreadable")},
		{"UTF-16 big endian", "a.csv", utf16(h+rows(1, 1), true), nil, none("unreadable")},
		{"a zero byte", "a.csv", h + "B0009,a\x00,3,x\n" + rows(1, 1), nil, ok(1, "2:LDZB invalid")},
		{"UTF-16 without mark", "a.csv", utf16(h, false)[2:], nil, none("unreadable")},
		{"a workbook", "a.csv", "PK\x03\x04rest of the archive", nil, none("unreadable")},
		{"an old workbook", "a.csv", "\xD0\xCF\x11\xE0rest", nil, none("unreadable")},
		{"gzip", "a.csv", "\x1F\x8B\x08rest", nil, none("unreadable")},
		{"empty", "a.csv", "", nil, none("missing")},
		{"a mark and nothing", "a.csv", "\xEF\xBB\xBF", nil, none("missing")},
		{"only a heading", "a.csv", h, nil, verdict{nil, nil, "done"}},
		{"no heading", "a.csv", rows(1, 3), nil, none("missing")},
		{"heading lacks a column", "a.csv", "JZWBM,CS,BZDZ\nB0001,3,x\n", nil, none("missing")},
		{"heading has a column twice", "a.csv", "JZWBM,LDZB,CS,BZDZ,层数\n", nil, none("unreadable")},
		{"heading in another order and case", "a.csv", "标准地址, ldzb ,ＣＳ,建筑物编码\nx,y,3,B0001\n", nil, ok(1)},
		{"heading by map", "a.csv", "bldg,LDZB,CS,BZDZ\nB0001,x,3,y\n", map[string]any{"columns": map[string]any{"bldg": "JZWBM"}}, ok(1)},
		{"heading with unknown columns", "a.csv", "JZWBM,张三,LDZB,CS,BZDZ\nB0001,?,x,3,y\n", nil, none("unknown")},
		{"heading with columns to ignore", "a.csv", "JZWBM,张三,LDZB,CS,BZDZ\nB0001,?,x,3,y\n", map[string]any{"ignore": []any{"张三"}}, ok(1)},
		{"heading with any columns to ignore", "a.csv", "JZWBM,张三,LDZB,CS,BZDZ\nB0001,?,x,3,y\n", map[string]any{"ignore": []any{"*"}}, ok(1)},
		{"a column without heading", "a.csv", "JZWBM,LDZB,CS,BZDZ,\nB0001,x,3,y,\nB0009,x,3,y,z\n", nil, ok(1, "3: unknown")},
		{"headings again in the middle", "a.csv", h + rows(1, 1) + "\xEF\xBB\xBF" + h + rows(2, 2), nil, ok(2, "3: unreadable")},
		{"blank rows", "a.csv", "\n,,,\n" + h + rows(1, 1) + ",,,\n 　,\u00a0,\"\",\n,,\n" + rows(2, 2) + ",,,,,,\n\x1a", nil, ok(2)},
		{"a text mark before the key", "a.csv", h + "'B0001,x,3,y\n＇B0002,x,'3,y\n", nil, ok(2)},
		{"a formula around the key", "a.csv", h + "=\"B0001\",\"=\"\"x\"\"\",=\"3\",y\n\"=\"\"B0002\"\"\",x,3,=\"y\"\n", nil, ok(2)},
		{"quotes in the key", "a.csv", h + "B“0009,x,3,y\n" + rows(1, 1), nil, ok(1, "2:JZWBM invalid")},
		{"words for null", "a.csv", h + "NULL,x,3,y\nB0009,x,-,y\nB0009,null,\\N,y\nB0001,无,3,无\n", nil, ok(1, "2:JZWBM missing", "3:CS missing", "4:CS missing", "4:LDZB missing")},
		{"words for null as declared", "a.csv", h + "B0009,未知,3,y\nB0001,-,3,y\n", map[string]any{"nulls": []any{"未知"}}, ok(1, "2:LDZB missing")},
		{"full-width commas", "a.csv", strings.ReplaceAll(h, ",", "，") + "B0001，x，3，y\n", nil, none("missing")},
		{"full-width commas as declared", "a.csv", strings.ReplaceAll(h, ",", "，") + "B0001，x，3，y\n", map[string]any{"delimiter": "，"}, ok(1)},
		{"tabs as declared", "a.tsv", strings.ReplaceAll(h, ",", "\t") + "B0001\tx\t3\ty\n", map[string]any{"delimiter": "\t"}, ok(1)},
		{"too few columns", "a.csv", h + "B0009,x,3\n" + rows(1, 1), nil, ok(1, "2: unreadable")},
		{"too many columns", "a.csv", h + "B0009,x,3,y,z\n" + rows(1, 1), nil, ok(1, "2: unreadable")},
		{"quoted line break", "a.csv", h + "B0001,\"x\r\ny\",3,z\n" + rows(2, 2), nil, ok(2)},
		{"doubled quotes", "a.csv", h + "B0001,\"say \"\"x\"\"\",3,z\n", nil, ok(1)},
		{"quote open at the end", "a.csv", h + rows(1, 1) + "B0009,\"x,3,y\n" + "B0002,x,3,y\n", nil, ok(2, "3: unreadable")},
		{"quote closed too early", "a.csv", h + "B0009,\"x\"y,3,z\n" + rows(1, 1), nil, ok(1, "2: unreadable")},
		{"quote in the middle", "a.csv", h + "B0009,x\"y,3,z\n" + rows(1, 1), nil, ok(1, "2: unreadable")},
		{"open quote meets a good one", "a.csv", h + "B0009,\"x,3,z\n" + rows(1, 2), nil, ok(2, "2: unreadable")},
		{"a line too long", "a.csv", h + "B0009," + strings.Repeat("x", 5000) + ",3,y\n" + rows(1, 1), map[string]any{"max_row": 4096}, ok(1, "2: too_large")},
		{"a quoted row too long", "a.csv", h + "B0009,\"" + strings.Repeat("xxxxxxx\n", 1000) + "\",3,y\n" + rows(1, 1), map[string]any{"max_row": 4096, "max_bad": 5}, verdict{nil, []string{"2: unreadable", "3: unreadable", "4: unreadable", "5: unreadable", "6: unreadable", "unreadable"}, "rejected"}},
		{"too many columns to count", "a.csv", h + strings.Repeat(",", 100_000) + "\n" + rows(1, 1), nil, ok(1, "2: too_large")},
		{"a required field is empty", "a.csv", h + "B0009,x,,y\n" + rows(1, 1), nil, ok(1, "2:CS missing")},
		{"the key is empty", "a.csv", h + " ,x,3,y\n" + rows(1, 1), nil, ok(1, "2:JZWBM missing")},
		{"two bad fields", "a.csv", h + "B0009,x,lots,\n" + rows(1, 1), nil, ok(1, "2:BZDZ missing", "2:CS invalid")},
		{"a number out of range", "a.csv", h + "B0009,x,9999,y\n" + rows(1, 1), nil, ok(1, "2:CS invalid")},
		{"ruined by a spreadsheet", "a.csv", h + "1.30E+17,x,3,y\n" + rows(1, 1), nil, ok(1, "2:JZWBM invalid")},
		{"a text too long", "a.csv", h + "B0009," + strings.Repeat("长", 61) + ",3,y\n" + rows(1, 1), nil, ok(1, "2:LDZB invalid")},
		{"too many bad rows in a run", "a.csv", h + strings.Repeat("x\n", 20) + rows(1, 1), map[string]any{"max_bad": 3}, verdict{nil, []string{"2: unreadable", "3: unreadable", "4: unreadable", "unreadable"}, "rejected"}},
		{"a file too large", "a.csv", h + rows(1, 100), map[string]any{"max_file": 100}, none("too_large")},
		{"JSON lines", "a.jsonl", jsonRows(1, 2), nil, ok(2)},
		{"JSON lines by content", "a.txt", jsonRows(1, 2), nil, ok(2)},
		{"JSON lines, GB18030", "a.jsonl", gb(t, jsonRows(1, 2)), nil, ok(2)},
		{"JSON that is cut", "a.jsonl", jsonRows(1, 1) + `{"JZWBM":"B0009"` + "\n" + jsonRows(2, 2), nil, ok(2, "2: unreadable")},
		{"JSON with a name twice", "a.jsonl", `{"JZWBM":"B0009","JZWBM":"B0008","LDZB":"x","CS":3,"BZDZ":"y"}` + "\n" + jsonRows(1, 1), nil, ok(1, "1: unreadable")},
		{"JSON with a field twice", "a.jsonl", `{"JZWBM":"B0009","建筑物编码":"B0008","LDZB":"x","CS":3,"BZDZ":"y"}` + "\n" + jsonRows(1, 1), nil, ok(1, "1: unreadable")},
		{"JSON array", "a.json", "[" + strings.TrimSuffix(strings.ReplaceAll(jsonRows(1, 2), "\n", ",\n"), ",\n") + "]\n", nil, ok(2)},
		{"JSON array over many lines", "a.json", "\xEF\xBB\xBF[\n  " + strings.ReplaceAll(strings.TrimSuffix(jsonRows(1, 1), "\n"), `,"`, ",\n    \"") + " ,\n{\"JZWBM\":\"B0009\"} ]", nil, ok(1, "6[1]:LDZB missing", "6[1]:CS missing", "6[1]:BZDZ missing")},
		{"JSON array by content", "a.txt", "[" + strings.TrimSuffix(jsonRows(1, 1), "\n") + "]", nil, ok(1)},
		{"JSON array, empty", "a.json", " [ ] ", nil, verdict{nil, nil, "done"}},
		{"JSON array of no rows", "a.jsonl", `[1,"x,]",[2]]`, nil, verdict{nil, []string{"1[0]: unreadable", "1[1]: unreadable", "1[2]: unreadable", "unreadable"}, "rejected"}},
		{"JSON array that is cut", "a.json", "[" + strings.TrimSuffix(jsonRows(1, 1), "\n") + `,{"JZW`, nil, verdict{names(1, 1), []string{"unreadable"}, "rejected"}},
		{"JSON array with more behind it", "a.json", "[" + strings.TrimSuffix(jsonRows(1, 1), "\n") + "]\n" + jsonRows(2, 2), nil, verdict{names(1, 1), []string{"unreadable"}, "rejected"}},
		{"JSON over several lines", "a.json", "{\n  \"JZWBM\": \"B0001\"\n}\n", nil, none("unreadable")},
		{"JSON key that is no text", "a.jsonl", `{"JZWBM":true,"LDZB":"x","CS":3,"BZDZ":"y"}` + "\n" + `{"JZWBM":1e30,"LDZB":"x","CS":3,"BZDZ":"y"}` + "\n" + `{"JZWBM":17,"LDZB":"x","CS":3,"BZDZ":"y"}` + "\n" + jsonRows(1, 1), nil, ok(1, "1:JZWBM invalid", "2:JZWBM invalid", "3:JZWBM invalid")},
		{"JSON of other types", "a.jsonl", `{"JZWBM":"B0009","LDZB":false,"CS":true,"BZDZ":1.5}` + "\n" + jsonRows(1, 1), nil, ok(1, "1:LDZB invalid", "1:CS invalid", "1:BZDZ invalid")},
		{"JSON names to ignore", "a.jsonl", `{"JZWBM":"B0001","LDZB":"x","CS":3,"BZDZ":"y","extra":"z"}` + "\n", map[string]any{"ignore": []any{"EXTRA"}}, ok(1)},
		{"JSON nested", "a.jsonl", `{"JZWBM":{"x":1},"LDZB":"x","CS":3,"BZDZ":"y"}` + "\n" + jsonRows(1, 1), nil, ok(1, "1: unreadable")},
		{"JSON deep", "a.jsonl", jsonRows(1, 1) + strings.Repeat("[", 100_000) + "\n" + jsonRows(2, 2), nil, ok(2, "2: unreadable")},
		{"JSON lone surrogate", "a.jsonl", `{"JZWBM":"B\ud800","LDZB":"x","CS":3,"BZDZ":"y"}` + "\n" + jsonRows(1, 1), nil, ok(1, "1: unreadable")},
		{"JSON huge number", "a.jsonl", `{"JZWBM":"B0009","LDZB":"x","CS":1e400,"BZDZ":"y"}` + "\n" + jsonRows(1, 1), nil, ok(1, "1: unreadable")},
		{"JSON null in a required field", "a.jsonl", `{"JZWBM":"B0009","LDZB":"x","CS":null,"BZDZ":"y"}` + "\n" + jsonRows(1, 1), nil, ok(1, "1:CS missing")},
		{"JSON lacks a required field", "a.jsonl", `{"JZWBM":"B0009","LDZB":"x","BZDZ":"y"}` + "\n" + jsonRows(1, 1), nil, ok(1, "1:CS missing")},
		{"JSON with an unknown name", "a.jsonl", `{"JZWBM":"B0001","LDZB":"x","CS":3,"BZDZ":"y","extra":"z"}` + "\n" + jsonRows(1, 1), nil, ok(1, "1: unknown")},
		{"JSON empty", "a.jsonl", "", nil, verdict{nil, nil, "done"}},
	}
}

func big5(t *testing.T, s string) string {
	t.Helper()
	out, err := traditionalchinese.Big5.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	for _, tt := range corpus(t) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			src := open(t, config(t, dir, tt.options))
			drop(t, dir, tt.file, tt.content)
			r := read(t, src, func(result) bool { return settled(t, dir) })
			got := verdict{dir: "done"}
			for _, c := range r.changes {
				got.keys = append(got.keys, c.Key)
			}
			for _, x := range r.rejections {
				got.bad = append(got.bad, place(x))
				if x.Digest == "" || strings.Contains(x.Detail, "B0009") {
					t.Errorf("a rejection lacks its digest, or shows a value: %+v", x)
				}
			}
			slices.Sort(got.bad)
			slices.Sort(tt.want.bad)
			if len(in(t, dir, "rejected")) > 0 {
				got.dir = "rejected"
			}
			if d := cmp.Diff(fmt.Sprint(tt.want), fmt.Sprint(got)); d != "" {
				t.Errorf("verdict (-want +got):\n%s", d)
			}
		})
	}
}

// place writes a rejection as "line:field reason", "reason" for the file.
func place(r contract.Rejection) string {
	_, rest, ok := strings.Cut(r.Locator, ":")
	if !ok {
		return r.Reason
	}
	line, _, _ := strings.Cut(rest, ":")
	return line + ":" + r.Field + " " + r.Reason
}

func TestOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]map[string]any{
		"no folder":        {"dir": "/no/such/folder"},
		"format":           {"format": "xml"},
		"charset":          {"charset": "latin-1"},
		"mode":             {"mode": "merge"},
		"delimiter":        {"delimiter": "||"},
		"unknown field":    {"columns": map[string]any{"x": "NO_SUCH"}},
		"absent required":  {"absent": []any{"CS"}},
		"absent unknown":   {"absent": []any{"NO_SUCH"}},
		"unknown option":   {"colums": map[string]any{}},
		"share":            {"delete_limit": "120%"},
		"empty":            {"empty": "yes"},
		"absent word":      {"absent": "nul"},
		"marker":           {"marker": "done"},
		"all names":        {"ignore_names": []any{"*"}},
		"row beyond 1 GiB": {"max_row": "2GiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, err := connectorsOpen(t, config(t, t.TempDir(), options))
			if err == nil {
				_ = src.Close() // the test has failed already
			}
			if err == nil || !strings.Contains(err.Error(), connectors.ErrConfig.Error()) {
				t.Errorf("Open = %v, want a configuration error", err)
			}
		})
	}
}
