package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestNewDatasetNeedsNoGo adds the README's dataset to the sample city: one file
// in the catalogue and one source. Its rows are masked, shared and answered like
// those of any other.
func TestNewDatasetNeedsNoGo(t *testing.T) {
	w := found(t)
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	manifest := regexp.MustCompile("(?s)```yaml\n# my-city/datasets/(\\w+)\\.yaml\n(.*?)```").FindSubmatch(readme)
	if manifest == nil {
		t.Fatal("the README shows no dataset any more")
	}
	id := string(manifest[1])
	if err := os.WriteFile(filepath.Join(w.catalogue, "datasets", id+".yaml"), manifest[2], 0o600); err != nil {
		t.Fatal(err)
	}
	w.binds("cards", "file", map[string]any{"dir": w.drop, "settle": "100ms", "poll": "50ms"}, id)
	w.grants("MZ-DBHD", "MZ", "DBHD", id+".partial")
	w.open()
	const card, number = "SFZ2026000001", "539902198503120013"
	w.file("cards.csv", "证件编号,公民身份号码,签发日期\n"+card+","+number+",2026-03-01\n")
	await(t, "answer", time.Minute, func() string {
		a := w.ask(http.MethodGet, "http://"+w.gateway+"/v1/lookup/"+id+".partial/"+card, "MZ-DBHD", "DBHD", "")
		var got struct {
			Data map[string]any `json:"data"`
		}
		if a.status != http.StatusOK || json.Unmarshal([]byte(a.body), &got) != nil {
			return fmt.Sprintf("%d %s", a.status, a.body)
		}
		return unlike(map[string]any{"GMSFHM": "539902************", "QFRQ": "2026-03-01"}, got.Data)
	})
	j := visit(t, []string{w.kafka}, "", 0, time.Now())
	rows := 0
	err = j.app.bus.Replay(t.Context(), contract.Topic("shared."+id+".partial"), func(r bus.Record) error {
		rows++
		if strings.Contains(string(r.Key)+string(r.Value), number) {
			t.Error("the shared topic holds the number")
		}
		return nil
	})
	if err != nil || rows != 1 {
		t.Errorf("the shared topic holds %d rows, %v", rows, err)
	}
	schema := w.ask(http.MethodGet, "http://"+w.registry+"/subjects/shared."+id+".partial-value/versions/latest", "", "", "")
	if schema.status != http.StatusOK || !strings.Contains(schema.body, "QFRQ") {
		t.Errorf("the registry says %d %s", schema.status, schema.body)
	}
	w.process.stop()
}
