package main

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
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

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// canary is a made-up person whose particulars must not leave the city, by kind
// of element.
var canary = map[string]string{
	"id_number": "539902198503120777", "person_name": "金丝雀翎", "phone": "19900007777", "address": "金丝路七十七弄", "plate": "云Z77777",
	"birth_date": "1985-03-13", "bank_card": "6217999900007777004",
	"disability_card": "53990219850312077743", "pupil_number": "G539902198503120777", // both made of the identity number
}

// composites are what views show of numbers that are made of the identity number: what
// that number's own partial form shows, and nothing of what else they are made of.
var composites = map[string]struct{ field, number, shown string }{
	"CL01.partial": {"CJZH", canary["disability_card"], "539902**************"},
	"JY01.partial": {"XJH", canary["pupil_number"], "*539902************"},
}

// afterStars is a number that a mask shows the end of.
var afterStars = regexp.MustCompile(`\*[0-9A-Z]`)

// remarks are what somebody writes into a column of free text: the person's numbers,
// in the spellings that people have for them.
var remarks = []string{
	"轿车，车主" + canary["id_number"] + "，电话" + canary["phone"],
	"轿车，车主" + spaced(canary["id_number"], "-", 6, 8, 4) + "，电话" + spaced(canary["phone"], " ", 3, 4, 4),
	"轿车，车主" + wide(canary["id_number"]) + "，电话" + wide(canary["phone"]),
	"轿车，车主" + hanNumerals(canary["id_number"]) + "，电话" + hanNumerals(canary["phone"]),
	"轿车，电话" + spaced(canary["phone"], ".", 3, 4, 4) + "，卡号" + spaced(canary["bank_card"], " ", 4, 4, 4, 4, 3),
	"轿车，卡号" + canary["bank_card"],
	"轿车，卡号" + hanNumerals(spaced(canary["bank_card"], "－", 6, 13)),
}

// spaced is a number in groups.
func spaced(number, by string, groups ...int) string {
	var parts []string
	for _, n := range groups {
		parts, number = append(parts, number[:n]), number[n:]
	}
	return strings.Join(parts, by)
}

func wide(value string) string {
	return strings.Map(func(r rune) rune {
		if r >= '!' && r <= '~' {
			return r - '!' + '！'
		}
		return r
	}, value)
}

func hanNumerals(value string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return []rune("〇一二三四五六七八九")[r-'0']
		}
		return r
	}, value)
}

// unspelled is a text with its digits, in whatever spelling, in ASCII, and without what people
// put between digits.
func unspelled(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(" -.－", r):
			return -1
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		}
		if at := slices.Index([]rune("〇一二三四五六七八九"), r); at >= 0 {
			return '0' + rune(at)
		}
		return r
	}, text)
}

// canaryCard is the number of the person's registration.
const canaryCard = "R1"

// forms are the ways in which a value could leak: as it is, turned round, in
// other encodings, and as digests that anybody could compute.
func forms(value string) map[string]string {
	backwards := []rune(value)
	slices.Reverse(backwards)
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(value)
	if err != nil {
		panic(err)
	}
	sha, weak, sm := sha256.Sum256([]byte(value)), md5.Sum([]byte(value)), sm3.Sum([]byte(value))
	escaped := strings.Trim(fmt.Sprintf("%+q", value), `"`)
	return map[string]string{
		"full-width": wide(value), "hex upper": strings.ToUpper(hex.EncodeToString([]byte(value))), "percent lower": strings.ToLower(url.QueryEscape(value)), "json upper": strings.ReplaceAll(strings.ToUpper(escaped), `\U`, `\u`),
		"gb18030 hex": hex.EncodeToString([]byte(gb)), "gb18030 percent": url.QueryEscape(gb), "gb18030 base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(gb)), "="),
		"base64 url": strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(value)), "="), "base64 shifted": inner64(value, 1), "base64 shifted twice": inner64(value, 2),
		"clear": value, "backwards": string(backwards), "base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(value)), "="),
		"hex": hex.EncodeToString([]byte(value)), "url": url.QueryEscape(value), "gb18030": gb, "json": strings.Trim(fmt.Sprintf("%+q", value), `"`),
		"sha256": hex.EncodeToString(sha[:]), "sha256 bytes": string(sha[:]), "md5": hex.EncodeToString(weak[:]), "md5 bytes": string(weak[:]),
		"sm3": hex.EncodeToString(sm[:]), "sm3 bytes": string(sm[:]),
	}
}

// inner64 is what is the same in the base64 of every text in which the value
// stands after n characters, and any that are multiples of three.
func inner64(value string, n int) string {
	text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", n) + value))
	from := (n*8 + 5) / 6
	return text[from : len(text)-2]
}

// leaks looks for the canary's particulars in a text, but for the kinds that
// may be there.
func leaks(text string, allowed map[string]bool) []string {
	var out []string
	plainText := unspelled(text)
	for kind, value := range canary {
		if allowed[kind] {
			continue
		}
		for form, looked := range forms(value) {
			if strings.Contains(text, looked) {
				out = append(out, kind+" "+form)
			}
		}
		if plain := unspelled(value); len(plain) >= 11 && plain == value && strings.Contains(plainText, plain) {
			out = append(out, kind+" spelled otherwise")
		}
	}
	slices.Sort(out)
	return out
}

// TestCanaryWholeJourney lets a made-up person's rows, good, bad and hostile, go
// through the whole bus and looks for the person in everything that leaves it.
func TestCanaryWholeJourney(t *testing.T) {
	w := canaryTown(t)
	w.open()
	for place, found := range w.plantAndLook() {
		t.Errorf("%s holds %v", place, found)
	}
	topics := w.topics() // what was written around the numbers is there to be read
	for _, topic := range []string{"topic shared.GA03.partial", "topic shared.person.partial", "topic findings"} {
		for _, remark := range []string{"轿车，车主539902************，电话199****7777", "卡号6217***********7004"} {
			if !strings.Contains(topics[topic], remark) {
				t.Errorf("%s does not show %q", topic, remark)
			}
		}
	}
	w.composites(topics)
	w.process.stop()
}

// composites looks at what is shown of numbers that are made of the identity number:
// their ends would tell its check digit, and the kind and degree of a disability, which
// the same views suppress.
func (w *town) composites(topics map[string]string) {
	w.Helper()
	for view, c := range composites {
		var answer struct {
			Data map[string]any `json:"data"`
		}
		said := w.ask(http.MethodPost, "http://"+w.gateway+"/v1/lookup/"+view, "MZ-DBHD", "DBHD", `{"key":"`+c.number+`"}`)
		if err := json.Unmarshal([]byte(said.body), &answer); err != nil || said.status != http.StatusOK || answer.Data[c.field] != c.shown {
			w.Errorf("%s: answered %d %s, want %s to be %s", view, said.status, said.body, c.field, c.shown)
		}
		for place, text := range map[string]string{"answer": said.body, "topic": topics["topic shared."+view]} {
			if !strings.Contains(text, c.shown) {
				w.Errorf("%s of %s does not show %s", place, view, c.shown)
			}
			if end := afterStars.FindString(strings.ReplaceAll(text, c.shown, "")); end != "" {
				w.Errorf("%s of %s shows the end of a number: %s", place, view, end)
			}
		}
	}
	end := "*" + strings.TrimPrefix(canary["disability_card"], canary["id_number"])
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
	w.edit("entities/person.yaml", "mask: {GMSFHM: partial, XM: partial, CSRQ: year, HJDZ: district, JZDZ: district, LXDH: partial}",
		"base: clear\n    mask: {GMSFHM: partial, CSRQ: year, HJDZ: district, JZDZ: district, LXDH: partial}")
	w.edit("datasets/GA03.yaml", "partial: {title: 机动车登记(脱敏)}", "partial: {title: 机动车登记(脱敏), mask: {CLXH: clear}}")
	w.open()
	found := w.plantAndLook()
	for place, leak := range map[string]string{
		"topic shared.person.partial": "person_name clear", "redis": "person_name clear", "GET /v1/lookup/person.partial": "person_name clear",
		"topic shared.GA03.partial": "bank_card spelled otherwise", "GET /v1/lookup/GA03.partial/%7C02": "phone clear",
	} {
		if !slices.Contains(found[place], leak) {
			t.Errorf("the broken mask is not noticed in %s: %v", place, found[place])
		}
	}
	w.process.stop()
}

// canaryTown is a town without the view that shows persons clear by the
// catalogue's decision, and with a rule that fails on what it reads.
func canaryTown(t *testing.T) *town {
	t.Helper()
	w := found(t)
	w.redis = "redis://" + service(t, "YIYUAN_TEST_REDIS") + "/9"
	w.command("FLUSHDB")
	w.edit("entities/person.yaml", "  clear:\n    title: 自然人(业务办理用)\n    fields: [GMSFHM, XM, XBDM, CSRQ, HYZKDM]\n", "")
	write(t, map[string]any{
		"rule": "XV-90", "title": "会失败的规则", "english": "A rule that fails", "entity": "person", "severity": "low", "advice": "测试 / test",
		"cases": []any{map[string]any{"id": "fails", "inputs": []string{"GA01"}, "when": "GA01.exists(g, int(g.XM) > 0)", "owner": "GA"}},
	}, w.catalogue, "rules", "XV-90.yaml")
	write(t, map[string]any{
		"rule": "XV-91", "title": "证据里有自由文本", "english": "Free text as evidence", "entity": "person", "severity": "low", "advice": "测试 / test",
		"cases": []any{map[string]any{"id": "cars", "inputs": []string{"GA03"}, "when": "GA03.exists(c, c.ZTDM == '1')", "owner": "GA", "evidence": []string{"GA03.CLXH"}}},
	}, w.catalogue, "rules", "XV-91.yaml")
	w.binds("ga-push", "push", nil, "GA01", "GA03")
	w.binds("cl-push", "push", nil, "CL01")
	w.binds("jy-push", "push", nil, "JY01")
	w.binds("files", "file", map[string]any{"dir": w.drop, "settle": "100ms", "poll": "50ms"}, "GA02")
	for _, department := range []string{"GA", "CL", "JY"} {
		w.pushes(department)
	}
	w.grants("MZ-DBHD", "MZ", "DBHD", "person.partial", "person.relief", "person.verify", "GA01.partial", "GA02.partial", "GA03.partial", "CL01.partial", "JY01.partial")
	w.grants("SJ-JDGL", "SJ", "SUPERVISE", "person.explain")
	return w
}

// plantAndLook sends the canary in by every door and returns what was found of
// it, by place.
func (w *town) plantAndLook() map[string][]string {
	w.Helper()
	found := map[string][]string{}
	look := func(place, text string) {
		if l := leaks(text, nil); len(l) > 0 {
			found[place] = l
		}
	}
	for place, text := range w.plant() {
		look(place, text)
	}
	for place, text := range w.lookups() {
		look(place, text)
	}
	for place, text := range w.topics() {
		look(place, text)
	}
	look("redis", w.dumpRedis())
	metrics := w.ask(http.MethodGet, "http://"+w.admin+"/metrics", "", "", "")
	if metrics.status != http.StatusOK || !strings.Contains(metrics.body, "yiyuan_") {
		w.Errorf("metrics: %d", metrics.status)
	}
	look("metrics", metrics.body)
	for _, page := range []string{"/debug/pprof/goroutine?debug=1", "/debug/pprof/cmdline", "/debug/pprof/heap?debug=1"} {
		look("admin "+page, w.ask(http.MethodGet, "http://"+w.admin+page, "", "", "").body)
	}
	var names strings.Builder
	err := filepath.WalkDir(w.drop, func(path string, _ fs.DirEntry, err error) error {
		names.WriteString(path + "\n")
		return err
	})
	if err != nil || strings.Count(names.String(), "\n") < 3 {
		w.Errorf("files in the drop folder: %q, %v", names.String(), err)
	}
	look("names of files", names.String())
	look("log", string(w.process.log.bytes())+string(w.process.out.bytes()))
	return found
}

// plant sends the canary's rows, some of them bad, and waits until they have
// passed. It returns what the doors answered.
func (w *town) plant() map[string]string {
	w.Helper()
	address := "云岭市岭东区东关街道" + canary["address"]
	row := func(number string) map[string]string {
		return map[string]string{
			"GMSFHM": number, "XM": canary["person_name"], "XBDM": "1", "MZDM": "01", "CSRQ": "1985-03-13", // not the number's day: a finding
			"HJDXZQHDM": "539902", "HJDZ": address, "YHZGXDM": "02", "HYZKDM": "10", "ZXBZ": "0",
		}
	}
	push := func(dataset string, body any) answer {
		text, isText := body.(string)
		if !isText {
			b, err := json.Marshal(body)
			if err != nil {
				w.Fatal(err)
			}
			text = string(b)
		}
		return w.ask(http.MethodPost, "http://"+w.push+"/v1/push/"+dataset, dataset[:2], "", text)
	}
	var good answer
	await(w, "push", time.Minute, func() string {
		if good = push("GA01", row(canary["id_number"])); good.status == http.StatusOK {
			return ""
		}
		return fmt.Sprintf("%d %s", good.status, good.body)
	})
	var car answer
	for i, remark := range remarks {
		plate := fmt.Sprintf("云Z%05d", 10000+i)
		if i == 0 {
			plate = canary["plate"]
		}
		if car = push("GA03", map[string]string{"HPHM": plate, "HPZLDM": "02", "SYRGMSFHM": canary["id_number"], "CLXH": remark, "CDRQ": "2020-01-01", "ZTDM": "1"}); car.status != http.StatusOK {
			w.Errorf("push of a car: %d %s", car.status, car.body)
		}
	}
	var card, pupil answer
	await(w, "push of other departments", time.Minute, func() string {
		card = push("CL01", map[string]string{"CJZH": canary["disability_card"], "GMSFHM": canary["id_number"], "CJLBDM": "4", "CJDJDM": "3", "YXQ": "2030-01-01"})
		pupil = push("JY01", map[string]string{"XJH": canary["pupil_number"], "GMSFHM": canary["id_number"], "XM": canary["person_name"], "XXMC": "云岭市第一小学", "NJ": "三年级", "JHRGMSFHM": canary["id_number"], "ZTDM": "1"})
		if card.status == http.StatusOK && pupil.status == http.StatusOK {
			return ""
		}
		return fmt.Sprintf("%d %s, %d %s", card.status, card.body, pupil.status, pupil.body)
	})
	long, broken := push("GA01", row(canary["id_number"]+"9")), push("GA01", `{"GMSFHM": "`+canary["id_number"]+`", "XM": "`+canary["person_name"]+`",`)
	unknown := push("GA01", map[string]string{canary["person_name"]: canary["id_number"]})
	if car.status != http.StatusOK || long.status != http.StatusUnprocessableEntity || broken.status != http.StatusBadRequest || unknown.status < 400 {
		w.Errorf("pushes answered %d %s, %d, %d, %d", car.status, car.body, long.status, broken.status, unknown.status)
	}
	head := "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n"
	w.file("good.csv", head+strings.Join([]string{canary["id_number"], canaryCard, "539902", address, canary["phone"], "2026-01-02", ""}, ",")+"\n"+
		strings.Join([]string{canary["id_number"] + "9", "R2", "539902", address, canary["phone"], "2026-01-02", ""}, ",")+"\n"+
		strings.Join([]string{canary["id_number"], "R3", "539902", address, canary["phone"], canary["person_name"], ""}, ",")+"\n")
	w.file("poor.csv", canary["person_name"]+","+canary["id_number"]+"\n"+canary["phone"]+",\"\n")
	w.poison()
	w.passed()
	return map[string]string{
		"push": good.head + good.body + car.head + car.body + card.head + card.body + pupil.head + pupil.body, "push of a wrong number": long.head + long.body,
		"push of broken JSON": broken.head + broken.body, "push of an unknown field": unknown.head + unknown.body,
	}
}

// poison writes a record that is no record straight into a raw topic.
func (w *town) poison() {
	w.Helper()
	b := connect(w, w.process, []string{w.kafka}, "")
	defer b.Close()
	value := "\x00\x00\x00\x00\x01" + strings.Join(slices.Sorted(maps.Values(canary)), "\x00")
	if err := b.Append(w.Context(), bus.Record{Topic: contract.Raw("GA01"), Partition: bus.ByKey, Key: []byte(canary["id_number"]), Value: []byte(value)}); err != nil {
		w.Fatal(err)
	}
}

// passed waits until the canary's rows are in the answers, the contradiction is
// a finding, and what was bad lies in quarantine.
func (w *town) passed() {
	w.Helper()
	get := func(path, key, purpose string, into any) string {
		a := w.ask(http.MethodGet, "http://"+w.gateway+path, key, purpose, "")
		if a.status != http.StatusOK {
			return fmt.Sprintf("%s: %d %s", path, a.status, a.body)
		}
		if err := json.Unmarshal([]byte(a.body), into); err != nil {
			return err.Error()
		}
		return ""
	}
	await(w, "the canary's rows", time.Minute, func() string {
		var person struct {
			Data map[string]any `json:"data"`
		}
		if problem := get("/v1/lookup/person.partial/"+canary["id_number"], "MZ-DBHD", "DBHD", &person); problem != "" {
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
		for _, text := range w.topics() {
			bad += strings.Count(text, "quarantined\x00")
		}
		if findings.Total < 2 || bad < 4 {
			return fmt.Sprintf("%d findings, %d rows in quarantine", findings.Total, bad)
		}
		return ""
	})
}

// lookups asks for the canary, rightly and wrongly, and returns what was said.
func (w *town) lookups() map[string]string {
	w.Helper()
	id, name := canary["id_number"], canary["person_name"]
	out := map[string]string{}
	base := "http://" + w.gateway
	ask := func(method, path, key, purpose, body string) {
		a := w.ask(method, base+path, key, purpose, body)
		if a.status == 0 {
			w.Errorf("%s %s: %s", method, path, a.body)
		}
		place := method + " " + path
		if at := strings.IndexFunc(place, func(r rune) bool { return r == '?' }); at > 0 {
			place = place[:at]
		}
		for _, value := range canary { // a place's name must not be a leak itself
			place = strings.TrimSuffix(strings.ReplaceAll(place, url.PathEscape(value), ""), "/")
		}
		said := a.body
		for _, value := range canary { // a batch names each answer by the key that it was asked for
			said = strings.ReplaceAll(said, `"key":"`+value+`"`, "")
		}
		out[place] += fmt.Sprintf("%d %s %s\n", a.status, a.head, said)
	}
	key := url.PathEscape
	for _, path := range []string{
		"/v1/lookup/person.partial/" + id, "/v1/lookup/person.relief/" + id, "/v1/lookup/GA01.partial/" + id, "/v1/lookup/GA02.partial/" + id + "%7C" + canaryCard,
		"/v1/lookup/GA03.partial/" + key(canary["plate"]) + "%7C02", "/v1/lookup/CL01.partial/" + canary["disability_card"], "/v1/lookup/JY01.partial/" + canary["pupil_number"],
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
func (w *town) topics() map[string]string {
	w.Helper()
	cat, err := loadCatalogue(w.catalogue)
	if err != nil {
		w.Fatal(err)
	}
	b := connect(w, w.process, []string{w.kafka}, "")
	defer b.Close()
	out := map[string]string{}
	for _, spec := range topics(cat, nil) {
		family, _, _ := strings.Cut(string(spec.Topic), ".")
		if slices.Contains([]string{"raw", "claims", "resolved"}, family) {
			continue // clear by their nature, for the city's own steps
		}
		var text strings.Builder
		err := b.Replay(w.Context(), spec.Topic, func(r bus.Record) error {
			if spec.Topic == contract.Quarantine {
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
		out["topic "+string(spec.Topic)] = text.String()
	}
	return out
}

// command sends one command to the town's own database of the real Redis and
// returns the reply as it came.
func (w *town) command(args ...string) string {
	w.Helper()
	at, number, _ := strings.Cut(strings.TrimPrefix(w.redis, "redis://"), "/")
	var dialer net.Dialer
	c, err := dialer.DialContext(w.Context(), "tcp", at)
	if err != nil {
		w.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
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
func (w *town) dumpRedis() string {
	w.Helper()
	// One script reads all: strings by GET, others by their own commands.
	dump := w.command("EVAL", `local out = {}
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
