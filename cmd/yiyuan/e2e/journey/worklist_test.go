package journey

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// refusedEntry is what of an entry of quarantine is looked at.
type refusedEntry struct {
	ID, Field, Row, State, From string
	Settled                     *struct{ How, By string }
}

// TestWorklistSettlesItself: a row that its source refused and one that the step refused
// leave the work list once the department has sent them again, mended or deleted, and are
// still settled after the process was started again; of which row nobody knows stays until a
// person says that it is done.
func TestWorklistSettlesItself(t *testing.T) {
	w := e2e.Found(t)
	w.Data = filepath.Join(w.Dir, "broker")
	w.Binds("ga-files", "file", map[string]any{"dir": w.Drop, "settle": "100ms", "poll": "50ms"}, "GA01")
	w.Grants("watch", "SJ", "SUPERVISE", "GA01.partial")
	w.Open()
	row := func(number, born string) string {
		line := map[string]any{"XM": "欧阳建国", "XBDM": "1", "MZDM": "01", "CSRQ": born, "HJDXZQHDM": "539902", "HJDZ": "云岭市岭东区东关街道1号", "ZXBZ": "0"}
		if number != "" {
			line["GMSFHM"] = number
		}
		b, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		return string(b) + "\n"
	}
	const bySource, byStep, whole = "539902198503120013", "539902198503120021", "539902198503120039"
	list := func() (entries []refusedEntry, open int, why string) {
		answer := w.Ask("GET", "http://"+w.Gateway+"/v1/quarantine?limit=500", "watch", "SUPERVISE", "")
		var page struct {
			Entries []refusedEntry
			Open    int
		}
		if err := json.Unmarshal([]byte(answer.Body), &page); err != nil || answer.Status != 200 {
			return nil, 0, fmt.Sprintf("answered %d %s", answer.Status, answer.Body)
		}
		for _, number := range []string{bySource, byStep, whole} {
			if strings.Contains(answer.Body, number) {
				t.Errorf("the list shows %s", number)
			}
		}
		return page.Entries, page.Open, fmt.Sprintf("%d open of %+v", page.Open, page.Entries)
	}
	states := func() (out []string, why string) {
		entries, _, why := list()
		for _, e := range entries {
			how := e.State
			if e.Settled != nil {
				how = e.Settled.How + " by " + e.Settled.By
			}
			out = append(out, e.Field+" "+how)
		}
		slices.Sort(out)
		return out, why
	}
	await := func(what string, want ...string) {
		t.Helper()
		e2e.Await(t, what, func() string {
			if got, why := states(); !slices.Equal(got, want) {
				return why
			}
			return ""
		})
	}
	w.File("1.jsonl", row(whole, "1985-03-12")+row(bySource, "1985-13-40")+row(byStep, "2085-03-12")+row("", "1985-03-12"))
	await("three are refused", "CSRQ open", "CSRQ open", "GMSFHM open")
	entries, _, _ := list()
	for _, e := range entries {
		if (e.Row == "") != (e.Field == "GMSFHM") {
			t.Errorf("%s: the row is %q", e.Field, e.Row)
		}
	}
	w.File("2.jsonl", row(bySource, "1985-03-12")+row(byStep, "1985-03-12"))
	done := []string{"CSRQ accepted by ga-files", "CSRQ accepted by ga-files", "GMSFHM open"}
	await("mended rows settle their entries", done...)
	before, _, _ := list()
	w.Process.Stop()
	w.Open()
	await("they are settled after a start", done...)
	after, _, _ := list()
	for i := range after {
		if after[i].ID != before[i].ID {
			t.Errorf("in another order after a start: %s at %d, it was %s", after[i].ID, i, before[i].ID)
		}
	}
	t.Setenv("YIYUAN_CLIENT_KEY", "watch")
	listed := e2e.Runs(t, 0, "quarantine", "ls", "--state", "open", "--source", "ga-files", "--gateway", "http://"+w.Gateway, "--purpose", "SUPERVISE")
	at := slices.IndexFunc(after, func(e refusedEntry) bool { return e.Settled == nil })
	if !strings.Contains(listed, after[at].ID+" ") || strings.Contains(listed, "CSRQ") {
		t.Errorf("quarantine ls says\n%s", listed)
	}
	e2e.Runs(t, 0, "quarantine", "settle", after[at].ID, "--gateway", "http://"+w.Gateway)
	await("a person has settled the third", "CSRQ accepted by ga-files", "CSRQ accepted by ga-files", "GMSFHM person by watch")
	if out := e2e.Runs(t, 4, "quarantine", "settle", "99-99", "--gateway", "http://"+w.Gateway); !strings.Contains(out, "YIYUAN-4043") {
		t.Errorf("settling what there is not says %s", out)
	}
}
