package journey

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// TestLostTopics deletes topics under a town, as an administrator may by mistake, one of
// which somebody makes again at once. From the next start on nobody is told by it that
// somebody is not there, and all that was shared comes back by itself; doctor says before
// what has happened. Without the state of a step nothing starts.
func TestLostTopics(t *testing.T) {
	e2e.InTurn(t)
	w := e2e.Found(t)
	w.Data = filepath.Join(w.Dir, "broker")
	w.Binds("residences", "file", map[string]any{"dir": w.Drop, "settle": "100ms", "poll": "50ms"}, "GA02")
	w.Grants("MZ-DBHD", "MZ", "DBHD", "GA02.partial", "person.clear")
	w.Grants("SJ", "SJ", "SUPERVISE", "person.explain")
	const number, wrong = "539902198503120013", "539902198503120014" // XV-01 finds the second
	w.Open()
	w.File("residences.csv", "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n"+
		number+",R0,539903,云岭市岭西区金桥街道河滨路1号,19900000000,2026-01-02,\n"+
		wrong+",R1,539903,云岭市岭西区金桥街道河滨路2号,19900000001,2026-01-02,\n")
	views := map[string]string{"GA02.partial": number + "%7CR0", "person.clear": number}
	findings := func() int {
		a := w.Ask(http.MethodGet, "http://"+w.Gateway+"/v1/findings?state=open", "SJ", "SUPERVISE", "")
		var all struct{ Total int }
		if err := json.Unmarshal([]byte(a.Body), &all); err != nil || a.Status != http.StatusOK {
			return -1
		}
		return all.Total
	}
	wanted := 0
	whole := func(when string) {
		t.Helper()
		for view, key := range views {
			e2e.Await(t, view+" "+when, func() string {
				a := w.Ask(http.MethodGet, "http://"+w.Gateway+"/v1/lookup/"+view+"/"+key, "MZ-DBHD", "DBHD", "")
				switch {
				case a.Status == http.StatusNotFound && wanted > 0:
					t.Fatalf("%s %s: somebody who is there is answered %d %s", view, when, a.Status, a.Body)
				case a.Status != http.StatusOK || !strings.Contains(a.Body, `"masked"`):
					return fmt.Sprintf("%d %s", a.Status, a.Body)
				}
				return ""
			})
		}
		e2e.Await(t, "findings "+when, func() string {
			if n := findings(); n < max(1, wanted) {
				return fmt.Sprintf("%d of %d", n, wanted)
			}
			return ""
		})
	}
	whole("at first")
	wanted = findings()
	config := filepath.Join(w.Dir, "yiyuan.yaml")
	if out := e2e.Runs(t, 0, "doctor", "--config", config); strings.Contains(out, "kafka.topics.lost") {
		t.Errorf("doctor finds topics lost that are not:\n%s", out)
	}

	e2e.DeleteTopics(t, w.Kafka, "shared.GA02.partial", "shared.person.clear", "claims.person", "resolved.person", "findings")
	if out := e2e.Runs(t, 1, "doctor", "--config", config); !strings.Contains(out, "✗ kafka.topics.lost") || !strings.Contains(out, "shared.GA02.partial") {
		t.Errorf("doctor:\n%s", out)
	}
	e2e.CreateTopic(t, w.Kafka, "shared.GA02.partial", 4)
	ended(w, "主题被删除后又建了新的：", "shared.GA02.partial")
	w.Open()
	whole("after topics were lost")
	if log := string(w.Process.Stderr.Bytes()); !strings.Contains(log, "all that is shared is published again") || !strings.Contains(log, "shared.person.clear") {
		t.Error("the start does not say what was lost")
	}
	w.Process.Stop()
	w.Open() // nothing is lost any more
	whole("once more")
	if log := string(w.Process.Stderr.Bytes()); strings.Contains(log, "published again") {
		t.Error("topics are lost at every start")
	}

	refused := func(without string, says ...string) {
		t.Helper()
		again := e2e.Launch(t, "run", "--config", config)
		<-again.Done
		said := string(again.Stderr.Bytes())
		for _, s := range says {
			if again.Err == nil || !strings.Contains(said, s) {
				t.Errorf("without %s it ended with %v, and does not say %q:\n%s", without, again.Err, s, said)
			}
		}
	}
	// An edited folder is not what may be shown because nobody knows what may be.
	w.Edit("datasets/GA02.yaml", "\nviews:\n", "\nviews:\n  where: {title: 居住地, fields: [GMSFHM, DJH, JZDXZQHDM]}\n")
	e2e.DeleteTopics(t, w.Kafka, "catalogue")
	if out := e2e.Runs(t, 1, "doctor", "--config", config); !strings.Contains(out, "✗ catalogue.in_force") || !strings.Contains(out, "yiyuan apply") {
		t.Errorf("doctor without the catalogue in force:\n%s", out)
	}
	w.Process.Interrupt()
	refused("the catalogue in force", "yiyuan plan", "yiyuan apply")
	e2e.Runs(t, 0, "apply", "--yes", "--config", config)
	w.Open()
	whole("under a catalogue applied anew")

	e2e.DeleteTopics(t, w.Kafka, "state.route")
	w.Process.Interrupt()
	refused("the state of route", "state.route", "bus.prefix")
}

// TestTopicGrown gives a topic of a running town more partitions, as an administrator may:
// the process ends and says which topic, and what leads out.
func TestTopicGrown(t *testing.T) {
	e2e.InTurn(t)
	w := e2e.Found(t)
	w.Binds("residences", "file", map[string]any{"dir": w.Drop, "settle": "100ms", "poll": "50ms"}, "GA02")
	w.Grants("MZ-DBHD", "MZ", "DBHD", "GA02.partial")
	w.Open()
	e2e.Await(t, "ready", func() string {
		if a := w.Ask(http.MethodGet, "http://"+w.Gateway+"/readyz", "", "", ""); a.Status != http.StatusOK {
			return a.Body
		}
		return ""
	})
	e2e.GrowTopic(t, w.Kafka, "raw.GA02", 9)
	ended(w, `"raw.GA02" 有 9 个分区，应为 4`, "kafka-topics.sh --delete --topic raw.GA02", "yiyuan source resync")
}

// ended waits until the town's process has ended by itself, and looks that it said why.
func ended(w *e2e.Town, says ...string) {
	w.Helper()
	e2e.Await(w, "the process ends", func() string {
		if w.Process.Running() {
			return "it runs"
		}
		return ""
	})
	said := string(w.Process.Stderr.Bytes())
	for _, s := range says {
		if !strings.Contains(said, s) {
			w.Errorf("it does not say %q:\n%s", s, w.Process.Stderr.Tail(3000))
		}
	}
}
