package fault

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// rejected is one entry of the topic quarantine: where, and all that it says.
type rejected struct{ dataset, field, reason, locator, text string }

// quarantined reads the topic quarantine, in any order.
func quarantined(j *e2e.Journey) []rejected {
	j.Helper()
	reader := j.Codec.Reader(contract.QuarantineLayout)
	var out []rejected
	err := j.Bus.Replay(j.Ctx, contract.Quarantine, func(r bus.Record) error {
		if r.Value == nil {
			return nil // it settles others
		}
		rec, err := reader.Decode(j.Ctx, r.Value)
		if err != nil {
			return err
		}
		q := rejected{dataset: rec.Get("dataset").Str(), field: rec.Get("field").Str(), reason: rec.Get("reason").Str(), locator: rec.Get("locator").Str()}
		q.text = fmt.Sprintf("%s %s %s %s %s %s", r.Key, q.dataset, q.field, q.reason, q.locator, rec.Get("detail").Str())
		if q.locator == "" || rec.Get("source").Str() == "" || rec.Get("detail").Str() == "" {
			j.Errorf("quarantine does not say where, from whom or why: %s", q.text)
		}
		out = append(out, q)
		return nil
	})
	if err != nil {
		j.Fatal(err)
	}
	return out
}

// pill is one record that is none, and what is to be said of it.
type pill struct {
	name, field, reason string
	spoil               func(r *bus.Record)
}

const poisonHeader = "poison"

// poisoned mixes records that are none into the raw topic of a city that runs.
func poisoned(t *testing.T, want *stream, brokers []string) {
	t.Helper()
	d := disturb(t, want, brokers, nil)
	roles := []*e2e.Process{d.launch(e2e.ConnectorsRole, "c"), d.launch(e2e.ProcessorsRole, "p")}
	d.at(30, roles...)
	j := e2e.Visit(t, brokers, d.prefix, killSeed, want.base)
	pills := pills(j, "GA01")
	at := swallow(j, "GA01", pills)
	mixed := *want
	for _, p := range pills {
		mixed.quarantine = append(mixed.quarantine, strings.Join([]string{"GA01", p.field, p.reason}, " "))
	}
	mixed.reached(t, brokers, d.prefix, false)
	found := map[string]string{}
	for _, q := range quarantined(j) {
		found[q.locator] += strings.TrimSpace(q.field + " " + q.reason)
		if l := e2e.Leaks(q.text, nil); len(l) > 0 {
			t.Errorf("quarantine shows %v at %s", l, q.locator)
		}
	}
	for i, p := range pills {
		if want := strings.TrimSpace(p.field + " " + p.reason); found[at[i]] != want {
			t.Errorf("%s at %q: quarantine says %q, want %q once", p.name, at[i], found[at[i]], want)
		}
	}
	for _, p := range roles {
		if l := e2e.Leaks(string(p.Stderr.Bytes()), nil); len(l) > 0 {
			t.Errorf("a log shows %v", l)
		}
		p.Stop()
	}
	t.Logf("%d kinds of poison in quarantine, each by its position", len(pills))
}

// pills makes poison of a dataset's own first record; each holds a canary.
func pills(j *e2e.Journey, dataset string) []pill {
	j.Helper()
	d, err := j.Cat.Dataset(dataset)
	if err != nil {
		j.Fatal(err)
	}
	writer, err := j.Codec.Writer(j.Ctx, contract.Raw(dataset).Subject(), d.Layout)
	if err != nil {
		j.Fatal(err)
	}
	reader := j.Codec.Reader(d.Layout)
	rewrite := func(r *bus.Record, field, value string) {
		rec, err := reader.Decode(j.Ctx, r.Value)
		if err == nil {
			r.Value, err = writer.Append(nil, rec.With(slices.IndexFunc(d.Fields, func(f *schemas.Field) bool { return f.Name == field }), schemas.Text(value)))
		}
		if err != nil {
			j.Fatal(err)
		}
	}
	secret := strings.Join([]string{e2e.Canary["id_number"], e2e.Canary["person_name"], e2e.Canary["phone"]}, " ")
	return []pill{
		{"no framing", "", contract.ReasonUnreadable, func(r *bus.Record) { r.Value = []byte(secret) }},
		{"empty", "", contract.ReasonUnreadable, func(r *bus.Record) { r.Value = []byte{} }},
		{"malformed", "", contract.ReasonUnreadable, func(r *bus.Record) { r.Value = append(slices.Clone(r.Value[:5]), secret...) }},
		{"truncated", "", contract.ReasonUnreadable, func(r *bus.Record) {
			rewrite(r, "XM", e2e.Canary["person_name"])
			r.Value = r.Value[:len(r.Value)-1]
		}},
		{"lying length", "", contract.ReasonUnreadable, func(r *bus.Record) {
			r.Value = append(append(slices.Clone(r.Value[:5]), 0xfe, 0xff, 0xff, 0xff, 0x0f), secret...)
		}},
		{"unknown schema", "", contract.ReasonSchema, func(r *bus.Record) { r.Value = append([]byte{0, 0x7f, 0, 0, 1}, r.Value[5:]...) }},
		{"no operation", "", contract.ReasonUnreadable, func(r *bus.Record) { r.Headers = r.Headers[1:] }},
		{"wrong position", "", contract.ReasonUnreadable, func(r *bus.Record) { r.Headers[1].Value = []byte(secret) }},
		{"oversized", "XM", contract.ReasonInvalid, func(r *bus.Record) { rewrite(r, "XM", strings.Repeat(e2e.Canary["person_name"], 70_000)) }},
		{"bad value", "GMSFHM", contract.ReasonInvalid, func(r *bus.Record) { rewrite(r, "GMSFHM", e2e.Canary["id_number"]+"9") }},
		{"bad code", "XBDM", contract.ReasonInvalid, func(r *bus.Record) { rewrite(r, "XBDM", e2e.Canary["person_name"]) }},
	}
}

// swallow writes the poison to the raw topic, spread over its partitions, and
// returns where each came to stand.
func swallow(j *e2e.Journey, dataset string, pills []pill) []string {
	j.Helper()
	topic := contract.Raw(dataset)
	partitions, err := j.Bus.Partitions(j.Ctx, topic)
	if err != nil {
		j.Fatal(err)
	}
	var specimen *bus.Record
	err = j.Bus.Replay(j.Ctx, topic, func(r bus.Record) error {
		if specimen == nil && len(r.Value) > 5 {
			specimen = &r
		}
		return nil
	})
	if err != nil || specimen == nil {
		j.Fatalf("no record of %s: %v", dataset, err)
	}
	for i, p := range pills {
		r := bus.Record{
			Topic: topic, Partition: int32(i % partitions), Key: []byte(e2e.Canary["id_number"]), Value: slices.Clone(specimen.Value), Time: specimen.Time,
			Headers: []bus.Header{{Key: "op", Value: []byte("u")}, {Key: "pos", Value: []byte(fmt.Sprintf("poison@%s", schemas.Sequence{Major: uint64(i + 1)}))}, {Key: poisonHeader, Value: []byte{byte(i)}}},
		}
		p.spoil(&r)
		if err := j.Bus.Append(j.Ctx, r); err != nil {
			j.Fatalf("%s: %v", p.name, err)
		}
	}
	at := make([]string, len(pills))
	err = j.Bus.Replay(j.Ctx, topic, func(r bus.Record) error {
		if h := r.Header(poisonHeader); h != nil {
			at[h[0]] = fmt.Sprintf("%s/%d@%d", topic, r.Partition, r.Offset)
		}
		return nil
	})
	if err != nil {
		j.Fatal(err)
	}
	return at
}

// TestFaultDoors sends bad rows among good ones by every door of a department,
// to processes of their own: file, push and database. Each bad row is
// told or lies in quarantine with its position, and its neighbours are answered.
func TestFaultDoors(t *testing.T) {
	p := e2e.OpenRealPath(t)
	bindPush(t, p, "GA03")
	good := []string{"539902198503120013", "539902199001010011"}
	bad := e2e.Canary["id_number"] + "9"
	row := func(number, name string) string {
		return "('" + number + "', '" + name + "', '1', '01', '1985-03-12', '539902', '云岭市岭东区')"
	}
	p.SQL(t, `ALTER TABLE %[1]s.t_czrk ALTER sfzh TYPE text, ALTER xbdm TYPE text; INSERT INTO %[1]s.t_czrk (sfzh, xm, xbdm, mzdm, csrq, hjdxzqhdm, hjdz) VALUES `+
		row(good[0], "欧阳建国")+","+row(bad, e2e.Canary["person_name"])+","+strings.Replace(row(e2e.Canary["id_number"], e2e.Canary["person_name"]), "'1'", "'"+e2e.Canary["phone"]+"'", 1)+","+row(good[1], "李四"))
	roles := []*e2e.Process{p.Launch(t, e2e.ConnectorsRole), p.Launch(t, e2e.ProcessorsRole), p.Launch(t, e2e.GatewayRole)}
	line := func(number, card, phone string) string {
		return strings.Join([]string{number, card, "539903", "云岭市岭西区", phone, "2026-01-02", ""}, ",") + "\n"
	}
	rows := "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n" + line(good[0], "R1", "19900001234") + line(bad, "R2", e2e.Canary["phone"]) +
		line(good[1], "R3", e2e.Canary["person_name"]) + e2e.Canary["person_name"] + "," + e2e.Canary["id_number"] + "\n" + line(good[1], "R4", "19900005678")
	p.Drops(t, "居住登记.csv", rows)
	car := func(number, plate string) string {
		return `{"HPHM":"` + plate + `","HPZLDM":"02","SYRGMSFHM":"` + number + `","CLXH":"轿车","CDRQ":"2020-01-01","ZTDM":"1"}`
	}
	e2e.Await(t, "push", func() string {
		if a := pushes(t, p, "GA03", car(good[0], "云Z12345")); a.Status != http.StatusOK {
			return fmt.Sprintf("%d %s", a.Status, a.Body)
		}
		return ""
	})
	for name, body := range map[string]string{
		"bad number": car(bad, e2e.Canary["plate"]), "cut": car(e2e.Canary["id_number"], e2e.Canary["plate"])[:60], "unknown field": `{"` + e2e.Canary["person_name"] + `":"` + e2e.Canary["id_number"] + `"}`,
		"oversized": car(good[0], strings.Repeat(e2e.Canary["person_name"], 1000)), "not UTF-8": `{"HPHM":"` + "\xff" + e2e.Canary["plate"] + `"}`,
	} {
		a := pushes(t, p, "GA03", body)
		if l := e2e.Leaks(a.Head+a.Body, nil); a.Status < 400 || a.Status > 499 || len(l) > 0 {
			t.Errorf("push, %s: %d, shows %v", name, a.Status, l)
		}
	}
	if a := pushes(t, p, "GA03", car(good[1], "云Z54321")); a.Status != http.StatusOK {
		t.Errorf("push after bad ones: %d %s", a.Status, a.Body)
	}
	for i, number := range good { // the neighbours, by every door
		p.Await(t, number, map[string]any{"XM": []string{"欧阳**", "李*"}[i], "JZDXZQHDM": "539903", "LXDH": []string{"199****1234", "199****5678"}[i]})
		e2e.Await(t, "car", func() string {
			if _, body := p.Ask(t, e2e.AppKey, number); !strings.Contains(body, `"HPHM"`) {
				return body
			}
			return ""
		})
	}
	want := map[string]string{
		p.Schema + ".t_czrk@*:GMSFHM": "GA01 GMSFHM invalid", p.Schema + ".t_czrk@*:XBDM": "GA01 XBDM invalid",
		"00000001-*:3:GMSFHM": "GA02 GMSFHM invalid", "00000001-*:4:LXDH": "GA02 LXDH invalid", "00000001-*:5": "GA02  unreadable",
	}
	got := map[string]string{}
	for _, q := range quarantined(e2e.Visit(t, strings.Split(p.Brokers, ","), p.Prefix, 0, time.Now())) {
		at := q.locator
		if before, after, ok := strings.Cut(at, "@"); ok { // the position in the log is the database's
			_, field, _ := strings.Cut(after, ":")
			at = before + "@*:" + field
		}
		if ordinal, rest, ok := strings.Cut(at, "-"); ok && strings.HasPrefix(at, "0000") { // then a digest of the file's name
			_, line, _ := strings.Cut(rest, ":")
			at = ordinal + "-*:" + line
		}
		got[at] = strings.Join([]string{q.dataset, q.field, q.reason}, " ")
		if l := e2e.Leaks(q.text, nil); len(l) > 0 {
			t.Errorf("quarantine shows %v: %s", l, q.locator)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("quarantine (-want +got):\n%s", diff)
	}
	e2e.Write(t, map[string]any{"keys": []any{}}, p.Dir, "push-keys.yaml") // the department's key is taken back while all runs
	e2e.Await(t, "the key is out of force", func() string {
		if a := pushes(t, p, "GA03", car(good[0], "云Z12345")); a.Status != http.StatusUnauthorized {
			return fmt.Sprintf("%d %s", a.Status, a.Body)
		}
		return ""
	})
	for _, r := range roles {
		r.Stop()
		if l := e2e.Leaks(string(r.Stderr.Bytes()), nil); len(l) > 0 {
			t.Errorf("a log shows %v", l)
		}
	}
}

// bindPush binds a push source of the department GA, whose key is its id.
func bindPush(t *testing.T, p *e2e.RealPath, datasets ...string) {
	t.Helper()
	e2e.Write(t, map[string]any{"source": "ga-push", "kind": "push", "datasets": datasets}, p.Dir, "sources", "ga-push.yaml")
	p.PushKeys = e2e.Write(t, map[string]any{"keys": []any{map[string]any{"department": "GA", "digest": fmt.Sprintf("sha256:%x", access.DigestKey("GA"))}}}, p.Dir, "push-keys.yaml")
}

// pushes sends a body as the department GA.
func pushes(t *testing.T, p *e2e.RealPath, dataset, body string) e2e.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.Push+"/v1/push/"+dataset, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer GA")
	req.Header.Set("Content-Type", "application/json")
	return e2e.Reply(http.DefaultClient.Do(req))
}
