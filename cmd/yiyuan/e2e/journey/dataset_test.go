package journey

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
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestNewDatasetNeedsNoGo adds the README's dataset to the sample city: one file
// in the catalogue and one source. Its rows are masked, shared and answered like
// those of any other.
func TestNewDatasetNeedsNoGo(t *testing.T) {
	w := e2e.Found(t)
	readme, err := os.ReadFile(e2e.InTree(t, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	manifest := regexp.MustCompile("(?s)```yaml\n# my-city/catalogue/datasets/(\\w+)\\.yaml\n(.*?)```").FindSubmatch(readme)
	if manifest == nil {
		t.Fatal("the README shows no dataset any more")
	}
	id := string(manifest[1])
	if err := os.WriteFile(filepath.Join(w.Catalogue, "datasets", id+".yaml"), manifest[2], 0o600); err != nil {
		t.Fatal(err)
	}
	w.Binds("cards", "file", map[string]any{"dir": w.Drop, "settle": "100ms", "poll": "50ms"}, id)
	w.Grants("MZ-DBHD", "MZ", "DBHD", id+".partial")
	w.Open()
	const card, number = "SFZ2026000001", "539902198503120013"
	w.File("cards.csv", "证件编号,公民身份号码,签发日期\n"+card+","+number+",2026-03-01\n")
	e2e.Await(t, "answer", func() string {
		a := w.Ask(http.MethodGet, "http://"+w.Gateway+"/v1/lookup/"+id+".partial/"+card, "MZ-DBHD", "DBHD", "")
		var got struct {
			Data map[string]any `json:"data"`
		}
		if a.Status != http.StatusOK || json.Unmarshal([]byte(a.Body), &got) != nil {
			return fmt.Sprintf("%d %s", a.Status, a.Body)
		}
		return e2e.Unlike(map[string]any{"GMSFHM": "539902************", "QFRQ": "2026-03-01"}, got.Data)
	})
	j := e2e.Visit(t, []string{w.Kafka}, "", 0, time.Now())
	rows := 0
	err = j.Bus.Replay(t.Context(), contract.Topic("shared."+id+".partial"), func(r bus.Record) error {
		rows++
		if strings.Contains(string(r.Key)+string(r.Value), number) {
			t.Error("the shared topic holds the number")
		}
		return nil
	})
	if err != nil || rows != 1 {
		t.Errorf("the shared topic holds %d rows, %v", rows, err)
	}
	schema := w.Ask(http.MethodGet, "http://"+w.Registry+"/subjects/shared."+id+".partial-value/versions/latest", "", "", "")
	if schema.Status != http.StatusOK || !strings.Contains(schema.Body, "QFRQ") {
		t.Errorf("the registry says %d %s", schema.Status, schema.Body)
	}
	w.Process.Stop()
}
