package journey

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// composites are what views show of numbers that are made of the identity number: what
// that number's own partial form shows, and nothing of what else they are made of.
var composites = map[string]struct{ field, number, shown string }{
	"CL01.partial": {"CJZH", e2e.Canary["disability_card"], "539902**************"},
	"JY01.partial": {"XJH", e2e.Canary["pupil_number"], "*539902************"},
}

// afterStars is a number that a mask shows the end of.
var afterStars = regexp.MustCompile(`\*[0-9A-Z]`)

// remarks are what somebody writes into a column of free text: the person's numbers,
// in the spellings that people have for them.
var remarks = []string{
	"轿车，车主" + e2e.Canary["id_number"] + "，电话" + e2e.Canary["phone"],
	"轿车，车主" + spaced(e2e.Canary["id_number"], "-", 6, 8, 4) + "，电话" + spaced(e2e.Canary["phone"], " ", 3, 4, 4),
	"轿车，车主" + e2e.Wide(e2e.Canary["id_number"]) + "，电话" + e2e.Wide(e2e.Canary["phone"]),
	"轿车，车主" + hanNumerals(e2e.Canary["id_number"]) + "，电话" + hanNumerals(e2e.Canary["phone"]),
	"轿车，电话" + spaced(e2e.Canary["phone"], ".", 3, 4, 4) + "，卡号" + spaced(e2e.Canary["bank_card"], " ", 4, 4, 4, 4, 3),
	"轿车，卡号" + e2e.Canary["bank_card"],
	"轿车，卡号" + hanNumerals(spaced(e2e.Canary["bank_card"], "－", 6, 13)),
}

// spaced is a number in groups.
func spaced(number, by string, groups ...int) string {
	var parts []string
	for _, n := range groups {
		parts, number = append(parts, number[:n]), number[n:]
	}
	return strings.Join(parts, by)
}

func hanNumerals(value string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return []rune("〇一二三四五六七八九")[r-'0']
		}
		return r
	}, value)
}

// canaryCard is the number of the person's registration.
const canaryCard = "R1"

// TestCanaryWholeJourney lets a made-up person's rows, good, bad and hostile, go
// through the whole bus and looks for the person in everything that leaves it.
func TestCanaryWholeJourney(t *testing.T) {
	w := canaryTown(t)
	w.Open()
	for place, found := range plantAndLook(w) {
		t.Errorf("%s holds %v", place, found)
	}
	topics := topics(w) // what was written around the numbers is there to be read
	for _, topic := range []string{"topic shared.GA03.partial", "topic shared.person.partial", "topic findings"} {
		for _, remark := range []string{"轿车，车主539902************，电话199****7777", "卡号6217***********7004"} {
			if !strings.Contains(topics[topic], remark) {
				t.Errorf("%s does not show %q", topic, remark)
			}
		}
	}
	lookAtComposites(w, topics)
	w.Process.Stop()
}

// lookAtComposites looks at what is shown of numbers that are made of the identity number:
// their ends would tell its check digit, and the kind and degree of a disability, which
// the same views suppress.
func lookAtComposites(w *e2e.Town, topics map[string]string) {
	w.Helper()
	for view, c := range composites {
		var answer struct {
			Data map[string]any `json:"data"`
		}
		said := w.Ask(http.MethodPost, "http://"+w.Gateway+"/v1/lookup/"+view, "MZ-DBHD", "DBHD", `{"key":"`+c.number+`"}`)
		if err := json.Unmarshal([]byte(said.Body), &answer); err != nil || said.Status != http.StatusOK || answer.Data[c.field] != c.shown {
			w.Errorf("%s: answered %d %s, want %s to be %s", view, said.Status, said.Body, c.field, c.shown)
		}
		for place, text := range map[string]string{"answer": said.Body, "topic": topics["topic shared."+view]} {
			if !strings.Contains(text, c.shown) {
				w.Errorf("%s of %s does not show %s", place, view, c.shown)
			}
			if end := afterStars.FindString(strings.ReplaceAll(text, c.shown, "")); end != "" {
				w.Errorf("%s of %s shows the end of a number: %s", place, view, end)
			}
		}
	}
	end := "*" + strings.TrimPrefix(e2e.Canary["disability_card"], e2e.Canary["id_number"])
	for name, text := range topics {
		if strings.Contains(text, end) {
			w.Errorf("%s shows kind and degree of a disability as the end of a card's number", name)
		}
	}
}

// TestCanaryNoticesABrokenMask shows that the test above can fail: a name that a
// view no longer masks, and a text that it shows as it is, are found wherever the view goes.
func TestCanaryNoticesABrokenMask(t *testing.T) {
	w := canaryTown(t)
	w.Edit("entities/person.yaml", "mask: {GMSFHM: partial, XM: partial, CSRQ: year, HJDZ: district, JZDZ: district, LXDH: partial}",
		"base: clear\n    mask: {GMSFHM: partial, CSRQ: year, HJDZ: district, JZDZ: district, LXDH: partial}")
	w.Edit("datasets/GA03.yaml", "partial: {title: 机动车登记（脱敏）}", "partial: {title: 机动车登记（脱敏）, mask: {CLXH: clear}}")
	w.Open()
	found := plantAndLook(w)
	for place, leak := range map[string]string{
		"topic shared.person.partial": "person_name clear", "redis": "person_name clear", "GET /v1/lookup/person.partial": "person_name clear",
		"topic shared.GA03.partial": "bank_card spelled otherwise", "GET /v1/lookup/GA03.partial/%7C02": "phone clear",
	} {
		if !slices.Contains(found[place], leak) {
			t.Errorf("the broken mask is not noticed in %s: %v", place, found[place])
		}
	}
	w.Process.Stop()
}

// canaryTown is a town without the view that shows persons clear by the
// catalogue's decision, and with a rule that fails on what it reads.
func canaryTown(t *testing.T) *e2e.Town {
	t.Helper()
	w := e2e.Found(t)
	w.Redis = "redis://" + e2e.Service(t, "YIYUAN_TEST_REDIS") + "/9"
	command(w, "FLUSHDB")
	w.Edit("entities/person.yaml", "  clear:\n    title: 自然人（业务办理用）\n    fields: [GMSFHM, XM, XBDM, CSRQ, HYZKDM]\n", "")
	e2e.Write(t, map[string]any{
		"rule": "XV-90", "title": "会失败的规则", "english": "A rule that fails", "entity": "person", "severity": "low", "advice": "测试 / test",
		"cases": []any{map[string]any{"id": "fails", "inputs": []string{"GA01"}, "when": "GA01.exists(g, int(g.XM) > 0)", "owner": "GA"}},
	}, w.Catalogue, "rules", "XV-90.yaml")
	e2e.Write(t, map[string]any{
		"rule": "XV-91", "title": "证据里有自由文本", "english": "Free text as evidence", "entity": "person", "severity": "low", "advice": "测试 / test",
		"cases": []any{map[string]any{"id": "cars", "inputs": []string{"GA03"}, "when": "GA03.exists(c, c.ZTDM == '1')", "owner": "GA", "evidence": []string{"GA03.CLXH"}}},
	}, w.Catalogue, "rules", "XV-91.yaml")
	w.Binds("ga-push", "push", nil, "GA01", "GA03")
	w.Binds("cl-push", "push", nil, "CL01")
	w.Binds("jy-push", "push", nil, "JY01")
	w.Binds("files", "file", map[string]any{"dir": w.Drop, "settle": "100ms", "poll": "50ms"}, "GA02")
	for _, department := range []string{"GA", "CL", "JY"} {
		w.Pushes(department)
	}
	w.Grants("MZ-DBHD", "MZ", "DBHD", "person.partial", "person.relief", "person.verify", "GA01.partial", "GA02.partial", "GA03.partial", "CL01.partial", "JY01.partial")
	w.Grants("SJ-JDGL", "SJ", "SUPERVISE", "person.explain")
	return w
}

// plantAndLook sends the canary in by every door and returns what was found of
// it, by place.
func plantAndLook(w *e2e.Town) map[string][]string {
	w.Helper()
	found := map[string][]string{}
	look := func(place, text string) {
		if l := e2e.Leaks(text, nil); len(l) > 0 {
			found[place] = l
		}
	}
	for place, text := range plant(w) {
		look(place, text)
	}
	for place, text := range lookups(w) {
		look(place, text)
	}
	for place, text := range topics(w) {
		look(place, text)
	}
	look("redis", dumpRedis(w))
	metrics := w.Ask(http.MethodGet, "http://"+w.Admin+"/metrics", "", "", "")
	if metrics.Status != http.StatusOK || !strings.Contains(metrics.Body, "yiyuan_") {
		w.Errorf("metrics: %d", metrics.Status)
	}
	look("metrics", metrics.Body)
	for _, page := range []string{"/debug/pprof/goroutine?debug=1", "/debug/pprof/cmdline", "/debug/pprof/heap?debug=1"} {
		look("admin "+page, w.Ask(http.MethodGet, "http://"+w.Admin+page, "", "", "").Body)
	}
	var names strings.Builder
	err := filepath.WalkDir(w.Drop, func(path string, _ fs.DirEntry, err error) error {
		names.WriteString(path + "\n")
		return err
	})
	if err != nil || strings.Count(names.String(), "\n") < 3 {
		w.Errorf("files in the drop folder: %q, %v", names.String(), err)
	}
	look("names of files", names.String())
	look("log", string(w.Process.Stderr.Bytes())+string(w.Process.Stdout.Bytes()))
	return found
}

// plant sends the canary's rows, some of them bad, and waits until they have
// passed. It returns what the doors answered.
func plant(w *e2e.Town) map[string]string {
	w.Helper()
	address := "云岭市岭东区东关街道" + e2e.Canary["address"]
	row := func(number string) map[string]string {
		return map[string]string{
			"GMSFHM": number, "XM": e2e.Canary["person_name"], "XBDM": "1", "MZDM": "01", "CSRQ": "1985-03-13", // not the number's day: a finding
			"HJDXZQHDM": "539902", "HJDZ": address, "YHZGXDM": "02", "HYZKDM": "10", "ZXBZ": "0",
		}
	}
	push := func(dataset string, body any) e2e.Answer {
		text, isText := body.(string)
		if !isText {
			b, err := json.Marshal(body)
			if err != nil {
				w.Fatal(err)
			}
			text = string(b)
		}
		return w.Ask(http.MethodPost, "http://"+w.Push+"/v1/push/"+dataset, dataset[:2], "", text)
	}
	var good e2e.Answer
	e2e.Await(w, "push", func() string {
		if good = push("GA01", row(e2e.Canary["id_number"])); good.Status == http.StatusOK {
			return ""
		}
		return fmt.Sprintf("%d %s", good.Status, good.Body)
	})
	var car e2e.Answer
	for i, remark := range remarks {
		plate := fmt.Sprintf("云Z%05d", 10000+i)
		if i == 0 {
			plate = e2e.Canary["plate"]
		}
		if car = push("GA03", map[string]string{"HPHM": plate, "HPZLDM": "02", "SYRGMSFHM": e2e.Canary["id_number"], "CLXH": remark, "CDRQ": "2020-01-01", "ZTDM": "1"}); car.Status != http.StatusOK {
			w.Errorf("push of a car: %d %s", car.Status, car.Body)
		}
	}
	var card, pupil e2e.Answer
	e2e.Await(w, "push of other departments", func() string {
		card = push("CL01", map[string]string{"CJZH": e2e.Canary["disability_card"], "GMSFHM": e2e.Canary["id_number"], "CJLBDM": "4", "CJDJDM": "3", "YXQ": "2030-01-01"})
		pupil = push("JY01", map[string]string{"XJH": e2e.Canary["pupil_number"], "GMSFHM": e2e.Canary["id_number"], "XM": e2e.Canary["person_name"], "XXMC": "云岭市第一小学", "NJ": "三年级", "JHRGMSFHM": e2e.Canary["id_number"], "ZTDM": "1"})
		if card.Status == http.StatusOK && pupil.Status == http.StatusOK {
			return ""
		}
		return fmt.Sprintf("%d %s, %d %s", card.Status, card.Body, pupil.Status, pupil.Body)
	})
	long, broken := push("GA01", row(e2e.Canary["id_number"]+"9")), push("GA01", `{"GMSFHM": "`+e2e.Canary["id_number"]+`", "XM": "`+e2e.Canary["person_name"]+`",`)
	unknown := push("GA01", map[string]string{e2e.Canary["person_name"]: e2e.Canary["id_number"]})
	if car.Status != http.StatusOK || long.Status != http.StatusUnprocessableEntity || broken.Status != http.StatusBadRequest || unknown.Status < 400 {
		w.Errorf("pushes answered %d %s, %d, %d, %d", car.Status, car.Body, long.Status, broken.Status, unknown.Status)
	}
	head := "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n"
	w.File("good.csv", head+strings.Join([]string{e2e.Canary["id_number"], canaryCard, "539902", address, e2e.Canary["phone"], "2026-01-02", ""}, ",")+"\n"+
		strings.Join([]string{e2e.Canary["id_number"] + "9", "R2", "539902", address, e2e.Canary["phone"], "2026-01-02", ""}, ",")+"\n"+
		strings.Join([]string{e2e.Canary["id_number"], "R3", "539902", address, e2e.Canary["phone"], e2e.Canary["person_name"], ""}, ",")+"\n")
	w.File("poor.csv", e2e.Canary["person_name"]+","+e2e.Canary["id_number"]+"\n"+e2e.Canary["phone"]+",\"\n")
	poison(w)
	passed(w)
	return map[string]string{
		"push": good.Head + good.Body + car.Head + car.Body + card.Head + card.Body + pupil.Head + pupil.Body, "push of a wrong number": long.Head + long.Body,
		"push of broken JSON": broken.Head + broken.Body, "push of an unknown field": unknown.Head + unknown.Body,
	}
}

// poison writes a record that is no record straight into a raw topic.
func poison(w *e2e.Town) {
	w.Helper()
	b := e2e.Connect(w, w.Process, []string{w.Kafka}, "")
	defer b.Close()
	value := "\x00\x00\x00\x00\x01" + strings.Join(slices.Sorted(maps.Values(e2e.Canary)), "\x00")
	if err := b.Append(w.Context(), bus.Record{Topic: contract.Raw("GA01"), Partition: bus.ByKey, Key: []byte(e2e.Canary["id_number"]), Value: []byte(value)}); err != nil {
		w.Fatal(err)
	}
}

// passed waits until the canary's rows are in the answers, the contradiction is
// a finding, and what was bad lies in quarantine.
func passed(w *e2e.Town) {
	w.Helper()
	get := func(path, key, purpose string, into any) string {
		a := w.Ask(http.MethodGet, "http://"+w.Gateway+path, key, purpose, "")
		if a.Status != http.StatusOK {
			return fmt.Sprintf("%s: %d %s", path, a.Status, a.Body)
		}
		if err := json.Unmarshal([]byte(a.Body), into); err != nil {
			return err.Error()
		}
		return ""
	}
	e2e.Await(w, "the canary's rows", func() string {
		var person struct {
			Data map[string]any `json:"data"`
		}
		if problem := get("/v1/lookup/person.partial/"+e2e.Canary["id_number"], "MZ-DBHD", "DBHD", &person); problem != "" {
			return problem
		}
		if cars, _ := person.Data["GA03"].([]any); person.Data["LXDH"] == nil || len(cars) != len(remarks) {
			return "phone or cars missing"
		}
		for view, c := range composites {
			if problem := get("/v1/lookup/"+view+"/"+c.number, "MZ-DBHD", "DBHD", &person); problem != "" {
				return problem
			}
		}
		var findings struct {
			Total int `json:"total"`
		}
		if problem := get("/v1/findings", "SJ-JDGL", "SUPERVISE", &findings); problem != "" {
			return problem
		}
		bad := 0
		for _, text := range topics(w) {
			bad += strings.Count(text, "quarantined\x00")
		}
		if findings.Total < 2 || bad < 4 {
			return fmt.Sprintf("%d findings, %d rows in quarantine", findings.Total, bad)
		}
		return ""
	})
}

// lookups asks for the canary, rightly and wrongly, and returns what was said.
func lookups(w *e2e.Town) map[string]string {
	w.Helper()
	id, name := e2e.Canary["id_number"], e2e.Canary["person_name"]
	out := map[string]string{}
	base := "http://" + w.Gateway
	ask := func(method, path, key, purpose, body string) {
		a := w.Ask(method, base+path, key, purpose, body)
		if a.Status == 0 {
			w.Errorf("%s %s: %s", method, path, a.Body)
		}
		place := method + " " + path
		if at := strings.IndexFunc(place, func(r rune) bool { return r == '?' }); at > 0 {
			place = place[:at]
		}
		for _, value := range e2e.Canary { // a place's name must not be a leak itself
			place = strings.TrimSuffix(strings.ReplaceAll(place, url.PathEscape(value), ""), "/")
		}
		said := a.Body
		for _, value := range e2e.Canary { // a batch names each answer by the key that it was asked for
			said = strings.ReplaceAll(said, `"key":"`+value+`"`, "")
		}
		out[place] += fmt.Sprintf("%d %s %s\n", a.Status, a.Head, said)
	}
	key := url.PathEscape
	for _, path := range []string{
		"/v1/lookup/person.partial/" + id, "/v1/lookup/person.relief/" + id, "/v1/lookup/GA01.partial/" + id, "/v1/lookup/GA02.partial/" + id + "%7C" + canaryCard,
		"/v1/lookup/GA03.partial/" + key(e2e.Canary["plate"]) + "%7C02", "/v1/lookup/CL01.partial/" + e2e.Canary["disability_card"], "/v1/lookup/JY01.partial/" + e2e.Canary["pupil_number"],
		"/v1/lookup/person.partial/" + id + "?fields=" + key(name), "/v1/lookup/" + key(name) + "/" + id,
		"/v1/lookup/person.partial/" + key(name), "/v1/" + key(name),
	} {
		ask(http.MethodGet, path, "MZ-DBHD", "DBHD", "")
		ask(http.MethodGet, path, "MZ-DBHD", id, "")
		ask(http.MethodGet, path, id, "DBHD", "")
		ask(http.MethodGet, path, "", "", "")
	}
	ask(http.MethodPost, "/v1/lookup", "MZ-DBHD", "DBHD", `{"view":"person.partial","keys":["`+id+`","`+name+`"]}`)
	ask(http.MethodPost, "/v1/lookup", "MZ-DBHD", "DBHD", `{"view":"`+name+`","keys":["`+id+`"`)
	ask(http.MethodPost, "/v1/verify", "MZ-DBHD", "DBHD", `{"view":"person.verify","key":"`+id+`","fields":{"XM":"`+name+`","HJDZ":"云岭市"}}`)
	for _, path := range []string{
		"/v1/explain/person/" + id, "/v1/findings", "/v1/quarantine", "/v1/catalogue", "/v1/indicators", "/v1/flow", "/v1/topology", "/v1/me", "/openapi.json", "/", "/readyz", "/livez",
	} {
		ask(http.MethodGet, path, "SJ-JDGL", "SUPERVISE", "")
	}
	return out
}

// topics reads every topic that leaves the city, keys, values and headers.
func topics(w *e2e.Town) map[string]string {
	w.Helper()
	b := e2e.Connect(w, w.Process, []string{w.Kafka}, "")
	defer b.Close()
	out := map[string]string{}
	for _, topic := range e2e.TopicsOf(w, []string{w.Kafka}, "") {
		family, _, _ := strings.Cut(string(topic), ".")
		if slices.Contains([]string{"raw", "claims", "resolved", contract.FamilyState}, family) || strings.HasPrefix(string(topic), "__") {
			continue // clear by their nature, for the city's own steps, or the broker's own
		}
		var text strings.Builder
		err := b.Replay(w.Context(), topic, func(r bus.Record) error {
			if topic == contract.Quarantine {
				text.WriteString("quarantined\x00")
			}
			fmt.Fprintf(&text, "%s\x00%s\x00", r.Key, r.Value)
			for _, h := range r.Headers {
				fmt.Fprintf(&text, "%s\x00%s\x00", h.Key, h.Value)
			}
			return nil
		})
		if err != nil {
			w.Fatal(err)
		}
		out["topic "+string(topic)] = text.String()
	}
	return out
}

// command sends one command to the town's own database of the real Redis and
// returns the reply as it came.
func command(w *e2e.Town, args ...string) string {
	w.Helper()
	at, number, _ := strings.Cut(strings.TrimPrefix(w.Redis, "redis://"), "/")
	var dialer net.Dialer
	c, err := dialer.DialContext(w.Context(), "tcp", at)
	if err != nil {
		w.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		w.Fatal(err)
	}
	var text strings.Builder
	for _, one := range [][]string{{"SELECT", number}, args, {"QUIT"}} { // after QUIT the server closes: all has been read then
		fmt.Fprintf(&text, "*%d\r\n", len(one))
		for _, arg := range one {
			fmt.Fprintf(&text, "$%d\r\n%s\r\n", len(arg), arg)
		}
	}
	if _, err := c.Write([]byte(text.String())); err != nil {
		w.Fatal(err)
	}
	reply, err := io.ReadAll(c)
	if err != nil {
		w.Fatal(err)
	}
	return strings.TrimPrefix(string(reply), "+OK\r\n")
}

// dumpRedis returns every key and value of the town's database.
func dumpRedis(w *e2e.Town) string {
	w.Helper()
	// One script reads all: strings by GET, others by their own commands.
	dump := command(w, "EVAL", `local out = {}
for _, k in ipairs(redis.call('KEYS', '*')) do
  out[#out + 1] = k
  local kind = redis.call('TYPE', k).ok
  if kind == 'string' then out[#out + 1] = redis.call('GET', k)
  elseif kind == 'hash' then for _, v in ipairs(redis.call('HGETALL', k)) do out[#out + 1] = v end
  elseif kind == 'set' then for _, v in ipairs(redis.call('SMEMBERS', k)) do out[#out + 1] = v end
  elseif kind == 'zset' then for _, v in ipairs(redis.call('ZRANGE', k, 0, -1)) do out[#out + 1] = v end
  elseif kind == 'list' then for _, v in ipairs(redis.call('LRANGE', k, 0, -1)) do out[#out + 1] = v end
  else out[#out + 1] = 'UNREAD ' .. kind end
end
return out`, "0")
	if strings.HasPrefix(dump, "-") || strings.Contains(dump, "UNREAD") || len(dump) < 1000 {
		w.Fatalf("the dump of Redis is not whole: %.200q", dump)
	}
	return dump
}
