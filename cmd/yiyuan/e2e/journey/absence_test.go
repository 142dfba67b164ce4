package journey

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

// TestAbsenceWaits has the hospitals deliver births and the register come nine hours
// later by the departments' own clocks. Before it nobody is said not to be registered,
// however long all else stands still; with it those are found who are not in it, and of
// the others nothing was ever said.
func TestAbsenceWaits(t *testing.T) {
	t.Parallel()
	w := e2e.Found(t)
	w.Edit("rules/XV-10.yaml", "    settle: 5s\n", "")
	e2e.Write(t, map[string]any{
		"rule": "XV-92", "title": "有出生证明", "english": "Born", "entity": "birth", "severity": "low", "advice": "测试 / test",
		"cases": []any{
			map[string]any{"id": "born", "inputs": []string{"WJ01"}, "when": "size(WJ01) > 0", "owner": "WJ"},
			map[string]any{"id": "registered", "inputs": []string{"GA01"}, "when": "size(GA01) > 0", "owner": "GA"},
		},
	}, w.Catalogue, "rules", "XV-92.yaml")
	for source, dataset := range map[string]string{"wj": "WJ01", "ga": "GA01"} {
		if err := os.Mkdir(filepath.Join(w.Drop, source), 0o700); err != nil {
			t.Fatal(err)
		}
		w.Binds(source, "file", map[string]any{"dir": filepath.Join(w.Drop, source), "settle": "100ms", "poll": "50ms"}, dataset)
	}
	w.Grants("SJ-JDGL", "SJ", "SUPERVISE", "person.explain")
	w.Open()

	e2e.Await(t, "gateway", func() string {
		if waiting := waiting(w); !slices.ContainsFunc(waiting, func(s string) bool { return strings.HasPrefix(s, "XV-10/unregistered GA01") }) {
			return fmt.Sprint(waiting)
		}
		return ""
	})

	const births, unregistered = 12, 3
	born := time.Now().AddDate(0, 0, -200).In(schemas.Zone)
	var certificates, register strings.Builder
	certificates.WriteString("CSZBH,XSEXM,XBDM,CSRQ,MQGMSFHM,QFRQ\n")
	register.WriteString("GMSFHM,XM,XBDM,MZDM,CSRQ,HJDXZQHDM,HJDZ,YHZGXDM,HYZKDM,POGMSFHM,CSZBH,ZXBZ,ZXYY,ZXRQ\n")
	for i := range births {
		certificate, day := fmt.Sprintf("M53990%04d", i), born.Format(time.DateOnly)
		fmt.Fprintf(&certificates, "%s,张小%c,1,%s,539902199003120021,%s\n", certificate, '一'+rune(i), day, day)
		if i >= unregistered {
			number := fmt.Sprintf("539902%s%03d", born.Format("20060102"), i)
			fmt.Fprintf(&register, "%s%c,张小%c,1,01,%s,539902,云岭市岭东区东关街道1号,,,,%s,0,,\n", number, identifier.CitizenCheck(number), '一'+rune(i), day, certificate)
		}
	}
	delivers(w, "wj", certificates.String(), 10*time.Hour)
	e2e.Await(t, "births", func() string { return counted(w, "XV-92/born", births) })
	if said := said(w, "XV-10"); len(said) > 0 {
		t.Errorf("%d findings of who is not in a register that has not come", len(said))
	}
	if waiting := waiting(w); !slices.Contains(waiting, "XV-10/unregistered GA01") {
		t.Errorf("what waits is %s", waiting)
	}

	delivers(w, "ga", register.String(), time.Hour)
	e2e.Await(t, "the register", func() string { return counted(w, "XV-92/registered", births-unregistered) })
	e2e.Await(t, "who is not registered", func() string { return counted(w, "XV-10", unregistered) })
	e2e.Await(t, "the end of waiting", func() string {
		if waiting := waiting(w); slices.ContainsFunc(waiting, func(s string) bool { return strings.HasPrefix(s, "XV-10/") }) {
			return fmt.Sprint(waiting)
		}
		return ""
	})
	if said := said(w, "XV-10"); len(said) != unregistered {
		t.Errorf("%d findings, want %d, each said once", len(said), unregistered)
	}
	if said := append(said(w, "XV-10"), said(w, "XV-92")...); slices.ContainsFunc(said, func(value string) bool { return strings.Contains(value, "closed") }) {
		t.Error("a finding was opened and closed again")
	}
	w.Process.Stop()
}

// delivers moves a file, made so long ago, into the folder of a source.
func delivers(w *e2e.Town, source, content string, ago time.Duration) {
	w.Helper()
	path := filepath.Join(w.Dir, source+".csv")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.Fatal(err)
	}
	at := time.Now().Add(-ago)
	if err := os.Chtimes(path, at, at); err != nil {
		w.Fatal(err)
	}
	if err := os.Rename(path, filepath.Join(w.Drop, source, source+".csv")); err != nil {
		w.Fatal(err)
	}
}

// said is every record of the topic of findings that names a rule or a case of it, whole
// history included.
func said(w *e2e.Town, rule string) []string {
	w.Helper()
	rule, name, _ := strings.Cut(rule, "/")
	b := e2e.Connect(w, w.Process, []string{w.Kafka}, "")
	defer b.Close()
	var out []string
	err := b.Replay(w.Context(), contract.Findings, func(r bus.Record) error {
		if bytes.Contains(r.Value, []byte(rule)) && bytes.Contains(r.Value, []byte(name)) {
			out = append(out, string(r.Value))
		}
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	return out
}

func counted(w *e2e.Town, rule string, want int) string {
	w.Helper()
	w.Process.Alive()
	if n := len(said(w, rule)); n < want {
		return fmt.Sprintf("%d findings of %s, want %d", n, rule, want)
	}
	return ""
}

// waiting is which cases wait, and for what, as the gateway says it.
func waiting(w *e2e.Town) []string {
	w.Helper()
	var page struct {
		Waiting []struct {
			Rule, Case string
			Datasets   []string
		} `json:"waiting"`
	}
	a := w.Ask(http.MethodGet, "http://"+w.Gateway+"/v1/findings", "SJ-JDGL", "SUPERVISE", "")
	if a.Status != http.StatusOK {
		return []string{fmt.Sprintf("XV-10/ %d %s", a.Status, a.Body)}
	}
	if err := json.Unmarshal([]byte(a.Body), &page); err != nil {
		w.Fatal(err)
	}
	var out []string
	for _, one := range page.Waiting {
		out = append(out, one.Rule+"/"+one.Case+" "+strings.Join(one.Datasets, " "))
	}
	return out
}
