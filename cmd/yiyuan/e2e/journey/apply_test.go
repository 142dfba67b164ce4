package journey

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// TestApplyAndRestart is how a city shows another view: an edited folder alone shows it
// to nobody, over a restart too; after plan and apply the next start does.
func TestApplyAndRestart(t *testing.T) {
	w := e2e.Found(t)
	w.Data = filepath.Join(w.Dir, "broker")
	w.Binds("residences", "file", map[string]any{"dir": w.Drop, "settle": "100ms", "poll": "50ms"}, "GA02")
	w.Grants("MZ-DBHD", "MZ", "DBHD", "GA02.partial")
	w.Open()
	const number = "539902198503120013"
	ask := func(view string) e2e.Answer {
		return w.Ask(http.MethodGet, "http://"+w.Gateway+"/v1/lookup/GA02."+view+"/"+number+"%7CR0", "MZ-DBHD", "DBHD", "")
	}
	answers := func(view string) {
		t.Helper()
		e2e.Await(t, "answer of GA02."+view, func() string {
			if a := ask(view); a.Status != http.StatusOK || !strings.Contains(a.Body, "539903") {
				return fmt.Sprintf("%d %s", a.Status, a.Body)
			}
			return ""
		})
	}
	w.File("residences.csv", "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n"+
		number+",R0,539903,云岭市岭西区金桥街道河滨路1号,19900000000,2026-01-02,\n")
	answers("partial")
	w.Process.Stop()

	w.Edit("datasets/GA02.yaml", "\nviews:\n", "\nviews:\n  where: {title: 居住地, fields: [GMSFHM, DJH, JZDXZQHDM]}\n")
	// A dataset that comes with it, and the source of it: it waits, and stops nobody.
	w.Write("datasets/GA92.yaml", "dataset: GA92\ntitle: 访客登记\nenglish: Visitors\nsummary: 访客\nprovider: GA\ncode: 101010002/000092\nclass: B\ncycle: realtime\nkey: [DJH]\nfields:\n"+
		"  - {name: DJH, title: 登记号, english: Registration number, element: certificate}\nviews:\n  partial: {title: 访客登记}\n")
	visitors := filepath.Join(w.Dir, "visitors")
	if err := os.Mkdir(visitors, 0o700); err != nil {
		t.Fatal(err)
	}
	w.Binds("visitors", "file", map[string]any{"dir": visitors, "settle": "100ms", "poll": "50ms"}, "GA92")
	w.Open()
	answers("partial")
	if out := e2e.Runs(t, 0, "source", "ls", "--gateway", "http://"+w.Admin); !strings.Contains(out, "visitors waiting: 目录文件夹尚未生效，它要用其中的改动（数据集 GA92）") || !strings.Contains(out, "yiyuan apply") {
		t.Errorf("source ls:\n%s", out)
	}
	if a := ask("where"); a.Status != http.StatusNotFound && a.Status != http.StatusForbidden {
		t.Errorf("the edited folder alone: GA02.where answers %d %s", a.Status, a.Body)
	}
	if log := string(w.Process.Stderr.Bytes()); !strings.Contains(log, "the configured catalogue folder is not in force and not used") {
		t.Error("the difference is not told at the start")
	}
	config := filepath.Join(w.Dir, "yiyuan.yaml")
	if out := e2e.Runs(t, 0, "plan", "--config", config); !strings.Contains(out, "newly exposed GA02.where.JZDXZQHDM (clear)") {
		t.Errorf("plan:\n%s", out)
	}
	if out := e2e.Runs(t, 0, "doctor", "--config", config); !strings.Contains(out, "is not in force; ") ||
		!regexp.MustCompile(`! source\.visitors\.state +waiting: 目录文件夹尚未生效.*\n +→ yiyuan plan，再 yiyuan apply，然后重启`).MatchString(out) {
		t.Errorf("doctor:\n%s", out)
	}
	e2e.Runs(t, 0, "apply", "--yes", "--config", config) // at the broker of the process that runs
	e2e.Await(t, "the running process says so", func() string {
		if log := string(w.Process.Stderr.Bytes()); strings.Contains(log, "another catalogue is in force: restart this process to take it") {
			return ""
		}
		return "nothing yet"
	})
	e2e.Await(t, "its gateway knows", func() string {
		a := w.Ask(http.MethodGet, "http://"+w.Gateway+"/readyz?verbose", "", "", "")
		if a.Status != http.StatusOK || !strings.Contains(a.Body, "former catalogue: ") || !strings.Contains(a.Body, "; 0 views are stale") {
			return fmt.Sprintf("%d %s", a.Status, a.Body)
		}
		return ""
	})
	answers("partial")
	w.Process.Stop()

	w.Applications = nil
	w.Grants("MZ-DBHD", "MZ", "DBHD", "GA02.partial", "GA02.where")
	w.Open()
	answers("where")
	answers("partial")
	e2e.Await(t, "the source goes on", func() string {
		if out := e2e.Runs(t, 0, "source", "ls", "--gateway", "http://"+w.Admin); !regexp.MustCompile(`visitors +running`).MatchString(out) {
			return out
		}
		return ""
	})
	w.Process.Stop()
}

// TestGoldenFieldComesAndGoes adds a field to an entity whose authority is published, by
// a new version of it, and takes it away again: version 1 stays as it was written.
func TestGoldenFieldComesAndGoes(t *testing.T) {
	e2e.InTurn(t)
	w := e2e.Found(t)
	w.Data = filepath.Join(w.Dir, "broker")
	w.Binds("residences", "file", map[string]any{"dir": w.Drop, "settle": "100ms", "poll": "50ms"}, "GA02")
	w.Grants("MZ-DBHD", "MZ", "DBHD", "person.clear", "person.where")
	const entity, number = "entities/person.yaml", "539902198503120013"
	w.Edit(entity, "\nviews:\n", "\nviews:\n  where: {title: 居住, fields: [GMSFHM, JZDZ], mask: {GMSFHM: clear, JZDZ: clear}}\n")
	config := filepath.Join(w.Dir, "yiyuan.yaml")
	shown := func(wanted bool) {
		t.Helper()
		e2e.Await(t, fmt.Sprintf("person.where with the registration's number: %t", wanted), func() string {
			a := w.Ask(http.MethodGet, "http://"+w.Gateway+"/v1/lookup/person.where/"+number, "MZ-DBHD", "DBHD", "")
			if a.Status != http.StatusOK || !strings.Contains(a.Body, "河滨路1号") || strings.Contains(a.Body, `"DJH":"R0"`) != wanted {
				return fmt.Sprintf("%d %s", a.Status, a.Body)
			}
			return ""
		})
	}
	w.Open()
	w.File("residences.csv", "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n"+
		number+",R0,539903,云岭市岭西区金桥街道河滨路1号,19900000000,2026-01-02,\n")
	shown(false)
	w.Process.Stop()

	before, err := os.ReadFile(filepath.Join(w.Catalogue, entity))
	if err != nil {
		t.Fatal(err)
	}
	newest := newestAuthority(string(before))
	next := func(field, source string, version int) {
		t.Helper()
		text := string(before)
		if field != "" {
			text = strings.Replace(text, "authority:\n", field+"authority:\n", 1)
			text = strings.Replace(text, "fields: [GMSFHM, JZDZ], mask: {", "fields: [GMSFHM, JZDZ, DJH], mask: {DJH: clear, ", 1)
		}
		first := authorityVersion(newest, 90, "2026-02-01") + source
		if version > 90 {
			first += authorityVersion(newest, version, "2026-02-02")
		}
		// Version 90 is published from the first change on, and stays to the letter.
		text = strings.Replace(text, newest, newest+first, 1)
		if err := os.WriteFile(filepath.Join(w.Catalogue, entity), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		e2e.Runs(t, 0, "check", "--catalogue", w.Catalogue)
		e2e.Runs(t, 0, "apply", "--yes", "--config", config)
		w.Open()
		shown(field != "")
		w.Process.Stop()
	}
	const source = "      DJH: [{dataset: GA02, pick: newest}]\n"
	next("  - {name: DJH, title: 登记号, element: certificate}\n", source, 90)
	next("", source, 91)
}

// newestAuthority is the last version of an entity's authority table, as it is written.
func newestAuthority(text string) string {
	end := strings.Index(text, "\naggregates:\n")
	if end < 0 {
		end = strings.Index(text, "\nviews:\n")
	}
	return text[strings.LastIndex(text[:end], "  - version: ") : end+1]
}

// authorityVersion is a version of an authority table under another number and day.
func authorityVersion(text string, number int, day string) string {
	text = regexp.MustCompile(`version: \d+`).ReplaceAllString(text, "version: "+strconv.Itoa(number))
	return regexp.MustCompile(`effective: [0-9-]+`).ReplaceAllString(text, "effective: "+day)
}
