package fault

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/connectors/fleet"
)

// TestRowsOfOneKey puts a citizen into a department's table twice, under the number of 15
// digits and that of 18, and cleans up in every order: as long as both stand answers show
// the newer and say that this is not sure, afterwards they show the one that stands.
func TestRowsOfOneKey(t *testing.T) {
	const elder, newer, extra, small = "539902850312001", "539902198503120013", "53990219850312118X", "53990219850312118x"
	p := e2e.OpenRealPath(t)
	p.Admin = e2e.FreePort(t)
	row := func(number, name string) {
		p.SQL(t, insertResidents+"('"+number+"', '"+name+"', '1', '01', '1985-03-12', '539902', '云岭市岭东区')")
	}
	remove := func(number string) { p.SQL(t, "DELETE FROM %s.t_czrk WHERE sfzh = '"+number+"'") }
	says := func(number, name string, unsure bool) {
		t.Helper()
		e2e.Await(t, name, func() string {
			status, body := p.Ask(t, e2e.AppKey, number)
			var answer struct {
				Data    map[string]any   `json:"data"`
				Refused []map[string]any `json:"refused"`
			}
			if err := json.Unmarshal([]byte(body), &answer); err != nil {
				return err.Error()
			}
			got, _ := answer.Data["XM"].(string)
			if got != name || (status == 200) != (name != "") || status != 200 && status != 404 || (len(answer.Refused) > 0) != unsure {
				return fmt.Sprintf("%d %s", status, body)
			}
			return ""
		})
	}
	row(elder, "司马一")
	row(extra, "欧阳一")
	p.DeliversFirst(t)
	source := p.Launch(t, e2e.ConnectorsRole)
	p.Launch(t, e2e.ProcessorsRole)
	p.Launch(t, e2e.GatewayRole)
	says(newer, "司马*", false)
	row(newer, "诸葛一一")
	says(newer, "诸葛**", true)
	remove(elder) // how registers clean up old numbers
	says(newer, "诸葛**", false)
	says(elder, "诸葛**", false)
	row(elder, "司马一")
	says(newer, "司马*", true)
	p.SQL(t, "UPDATE %s.t_czrk SET xm = '诸葛二二二' WHERE sfzh = '"+newer+"'")
	says(newer, "诸葛***", true)
	remove(newer) // the one that is shown
	says(newer, "司马*", false)
	p.SQL(t, "UPDATE %s.t_czrk SET sfzh = '"+newer+"', xm = '司马二二' WHERE sfzh = '"+elder+"'") // one row, and another number
	says(newer, "司马**", false)

	row(small, "欧阳二二")
	says(extra, "欧阳**", true)
	r := &resyncing{RealPath: p, all: t, t: t, source: source, j: e2e.Visit(t, strings.Split(p.Brokers, ","), p.Prefix, 0, time.Now())}
	if said := r.yiyuan("source", "resync", "ga-pg", "--dry-run"); !strings.Contains(said, "新增 0") || !strings.Contains(said, "删除 0") {
		t.Errorf("the trial says %q", said)
	}
	before := r.epoch()
	r.yiyuan("source", "resync", "ga-pg")
	r.until("read again", func(s fleet.Line) bool { return running(s) && r.epoch() > before })
	says(extra, "欧阳**", true)
	remove(extra)
	says(extra, "欧阳**", false)
	remove(small)
	says(extra, "", false)
	p.SQL(t, "TRUNCATE %s.t_czrk")
	says(newer, "", false)
}
