package fault

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestFaultSchema changes a department's table while its rows flow. What fits
// goes on, a table that is rewritten is read again by the one command that its
// source names, values that no longer fit lie in quarantine, a column that is gone
// pauses this source alone until somebody maps it, and nothing of a column that
// nobody declared leaves the database.
func TestFaultSchema(t *testing.T) {
	e2e.InTurn(t)
	const number = "539902198503120013"
	p := e2e.OpenRealPath(t)
	p.Admin = e2e.FreePort(t)
	p.SQL(t, "CREATE PUBLICATION yiyuan_%[1]s FOR TABLE %[1]s.t_czrk") // all columns: the server refuses most changes of those that a publication lists
	p.SQL(t, `INSERT INTO %s.t_czrk (sfzh, xm, xbdm, mzdm, csrq, hjdxzqhdm, hjdz) VALUES ('`+number+`', '欧阳建国', '1', '01', '1985-03-12', '539902', '云岭市岭东区')`)
	source, processor, server := p.Launch(t, e2e.ConnectorsRole), p.Launch(t, e2e.ProcessorsRole), p.Launch(t, e2e.GatewayRole)
	p.Await(t, number, map[string]any{"XM": "欧阳**"})
	j := e2e.Visit(t, strings.Split(p.Brokers, ","), p.Prefix, 0, time.Now())
	update := func(set string) { p.SQL(t, "UPDATE %s.t_czrk SET "+set+" WHERE sfzh = '"+number+"'") }

	p.SQL(t, "ALTER TABLE %s.t_czrk ADD beizhu text") // a column that nobody declared
	update("beizhu = '" + e2e.Canary["phone"] + " " + e2e.Canary["person_name"] + "', xm = '司马相如'")
	p.Await(t, number, map[string]any{"XM": "司马**"})

	p.SQL(t, "ALTER TABLE %s.t_czrk ALTER xm TYPE varchar(60), ALTER csrq TYPE text USING to_char(csrq, 'YYYY-MM-DD')") // other types, and no row is sent of what they make of the values
	paused(t, p, j, "ga-pg", p.Schema+".t_czrk", "yiyuan source resync ga-pg")
	r := &resyncing{RealPath: p, all: t, t: t, j: j, source: source}
	r.yiyuan("source", "resync", "ga-pg")
	r.until("read again", running)
	update("xm = '诸葛孔明'")
	p.Await(t, number, map[string]any{"XM": "诸葛**", "CSRQ": "1985"})

	update("csrq = '" + e2e.Canary["phone"] + "', xm = '上官婉儿'") // a value that the type before would not have held
	e2e.Await(t, "quarantine", func() string {
		said := ""
		for _, q := range quarantined(j) {
			if q.dataset == "GA01" && q.field == "CSRQ" && strings.HasPrefix(q.locator, p.Schema+".t_czrk@") {
				return ""
			}
			said += q.text + "\n"
		}
		return "quarantine holds " + said
	})
	p.Await(t, number, map[string]any{"XM": "诸葛**"}) // the last good row stays
	update("csrq = '1985-03-12'")
	p.Await(t, number, map[string]any{"XM": "上官**"})

	p.SQL(t, "ALTER TABLE %s.t_czrk RENAME hjdz TO dizhi")
	update("xm = '夏侯惇'")
	paused(t, p, j, "ga-pg", `"hjdz"`)
	p.Drops(t, "居住登记.csv", "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n"+number+",R1,539903,云岭市岭西区,19900001234,2026-01-02,\n")
	p.Await(t, number, map[string]any{"XM": "上官**", "JZDXZQHDM": "539903"}) // the other source goes on, and this one's rows stay
	source.Stop()
	p.BindTable(t, map[string]string{"sfzh": "GMSFHM", "dizhi": "HJDZ"}, map[string]string{"hjdz": "dizhi"})
	source = p.Launch(t, e2e.ConnectorsRole)
	p.Await(t, number, map[string]any{"XM": "夏侯*", "HJDZ": "云岭市岭东区"}) // what was said meanwhile is not lost

	p.SQL(t, "ALTER PUBLICATION yiyuan_%[1]s DROP TABLE %[1]s.t_czrk") // as DROP COLUMN ... CASCADE does when the publication lists the column
	update("xm = '独孤求败'")
	paused(t, p, j, "ga-pg", p.Schema+".t_czrk")

	for topic, text := range everything(j) {
		if l := e2e.Leaks(text, nil); len(l) > 0 {
			t.Errorf("topic %s shows %v of a column that nobody declared", topic, l)
		}
	}
	if _, body := p.Ask(t, e2e.AppKey, number); len(e2e.Leaks(body, nil)) > 0 {
		t.Errorf("an answer shows %v", e2e.Leaks(body, nil))
	}
	for _, r := range []*e2e.Process{server, processor, source} {
		r.Stop()
	}
}

// paused waits until a source has stopped and says why: in Chinese first, with
// the names that a person needs.
func paused(t *testing.T, p *e2e.RealPath, j *e2e.Journey, source string, names ...string) {
	t.Helper()
	var said contract.SourceStatus
	e2e.Await(t, source+" pauses", func() string {
		if said = e2e.Statuses(t.Context(), t, j)[source]; said.State != contract.StateFailed {
			return fmt.Sprintf("it is %s %s", said.State, said.Error)
		}
		return ""
	})
	for _, name := range names {
		if !strings.Contains(said.Error, name) {
			t.Errorf("%s does not name %s: %s", source, name, said.Error)
		}
	}
	if !strings.ContainsFunc(said.Error, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		t.Errorf("%s does not say in Chinese why it pauses: %s", source, said.Error)
	}
	t.Logf("%s: %s", source, said.Error)
}

// everything reads every topic, the clear ones too: keys, values and headers.
func everything(j *e2e.Journey) map[contract.Topic]string {
	j.Helper()
	out := map[contract.Topic]string{}
	for _, topic := range e2e.TopicsOf(j, j.Brokers, j.Prefix) {
		var text strings.Builder
		err := j.Bus.Replay(j.Ctx, topic, func(r bus.Record) error {
			fmt.Fprintf(&text, "%s\x00%s\x00", r.Key, r.Value)
			for _, h := range r.Headers {
				fmt.Fprintf(&text, "%s\x00%s\x00", h.Key, h.Value)
			}
			return nil
		})
		if err != nil {
			j.Fatal(err)
		}
		out[topic] = text.String()
	}
	return out
}
