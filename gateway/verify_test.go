package gateway_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

func (w *world) verify(key string, fields map[string]string) *reply {
	w.t.Helper()
	return w.post("/v1/verify", "key-RS-GLJT", "GLJT", map[string]any{"view": "person.verify", "key": key, "fields": fields})
}

// many is more verifications than a test makes.
var many = quota.Limits{Minute: 10000, Hour: 10000, Day: 10000}

// verifiesSex is the sample city, where sex can be verified too.
func verifiesSex(t *testing.T) fs.FS {
	t.Helper()
	const file, fields = "entities/person.yaml", "fields: [GMSFHM, XM, CSRQ, HJDZ], only: verify"
	text, err := fs.ReadFile(yunling.Files(), file)
	must(t, err)
	if !strings.Contains(string(text), fields) {
		t.Fatal("person.verify has other fields")
	}
	return changed{yunling.Files(), file, fstest.MapFS{file: {Data: []byte(strings.Replace(string(text), fields, strings.Replace(fields, "XM,", "XM, XBDM,", 1), 1))}}}
}

// changed is files of which one is another.
type changed struct {
	fs.FS
	name string
	by   fs.FS
}

// Open implements fs.FS.
func (c changed) Open(name string) (fs.File, error) {
	if name == c.name {
		return c.by.Open(name) //nolint:wrapcheck // it is the other's file
	}
	return c.FS.Open(name) //nolint:wrapcheck // it is the other's file
}

func TestVerify(t *testing.T) {
	w := startIn(t, verifiesSex(t), func(c *gateway.Config) { c.Negatives, c.TargetNegatives = many, many })
	w.publish(nil, w.verifiable("person.verify", zhang, 1, map[string]string{"GMSFHM": zhang, "XM": "张三·丰", "XBDM": "1", "CSRQ": "1985-03-12", "HJDZ": "云岭市岭东区一街道1号"}))
	w.ready()
	eventually(t, "the record is there", func() bool {
		return w.verify(zhang, map[string]string{"XM": "张三·丰", "HJDZ": "云岭市岭东区一街道1号"}).body["match"] == true
	})
	for _, c := range []struct {
		name   string
		key    string
		fields map[string]string
		status int
		match  any
	}{
		{"same", zhang, map[string]string{"XM": "张三·丰", "HJDZ": "云岭市岭东区一街道1号"}, 200, true},
		{"other date form", zhang, map[string]string{"XM": " 张三·丰 ", "HJDZ": "云岭市岭东区一街道1号", "CSRQ": "19850312"}, 200, true},
		{"key as a third field", zhang, map[string]string{"GMSFHM": zhang, "XM": "张三·丰", "HJDZ": "云岭市岭东区一街道1号"}, 200, true},
		{"wrong key as a third field", zhang, map[string]string{"GMSFHM": li, "XM": "张三·丰", "HJDZ": "云岭市岭东区一街道1号"}, 200, false},
		{"key as a second field", zhang, map[string]string{"GMSFHM": zhang, "XM": "张三·丰"}, 422, nil},
		{"wrong key as a second field", zhang, map[string]string{"GMSFHM": li, "XM": "张三·丰"}, 422, nil},
		{"birth date that the key tells", zhang, map[string]string{"CSRQ": "1985-03-12", "XM": "张三·丰"}, 422, nil},
		{"another birth date than the key tells", zhang, map[string]string{"CSRQ": "1985-03-13", "XM": "张三·丰"}, 422, nil},
		{"all that the key tells", zhang, map[string]string{"GMSFHM": zhang, "CSRQ": "1985-03-12", "XM": "张三·丰"}, 422, nil},
		{"sex that the key tells", zhang, map[string]string{"XBDM": "1", "XM": "张三·丰"}, 422, nil},
		{"another sex than the key tells", zhang, map[string]string{"XBDM": "2", "XM": "张三·丰"}, 422, nil},
		{"sex and birth date that the key tells", zhang, map[string]string{"XBDM": "1", "CSRQ": "1985-03-12", "XM": "张三·丰"}, 422, nil},
		{"sex as a third field", zhang, map[string]string{"XBDM": "1", "XM": "张三·丰", "HJDZ": "云岭市岭东区一街道1号"}, 200, true},
		{"another sex as a third field", zhang, map[string]string{"XBDM": "2", "XM": "张三·丰", "HJDZ": "云岭市岭东区一街道1号"}, 200, false},
		{"one differs", zhang, map[string]string{"XM": "张三·丰", "HJDZ": "云岭市岭东区一街道2号"}, 200, false},
		{"both differ", zhang, map[string]string{"XM": "李四", "HJDZ": "云岭市岭东区一街道2号"}, 200, false},
		{"nobody", li, map[string]string{"XM": "张三·丰", "HJDZ": "云岭市岭东区一街道1号"}, 200, false},
		{"one field", zhang, map[string]string{"XM": "张三·丰"}, 422, nil},
		{"malformed value", zhang, map[string]string{"XM": "张三·丰", "HJDZ": "云岭市岭东区一街道1号", "CSRQ": "1985-02-30"}, 422, nil},
		{"unknown field", zhang, map[string]string{"XM": "张三·丰", "LXDH": "19900001234"}, 403, nil},
		{"malformed key", "1", map[string]string{"XM": "张三·丰", "HJDZ": "云岭市岭东区一街道1号"}, 422, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := w.verify(c.key, c.fields)
			if r.status != c.status || r.body["match"] != c.match {
				t.Fatalf("answered %d: %s", r.status, r.text)
			}
			if c.status == 200 {
				if e := w.entry(r); e.Reason != "ok" || e.Rows != 1 {
					t.Errorf("audit entry tells more than that there was an answer: %+v", e)
				}
			}
		})
	}
}

func TestVerifyIsNoOracle(t *testing.T) {
	const floor = 30 * time.Millisecond
	w := start(t, func(c *gateway.Config) { c.VerifyFloor = floor })
	w.ready()
	stopped := 0
	for try := range 50 {
		key := zhang
		if try >= 10 {
			key = li
		}
		begin := time.Now()
		r := w.verify(key, map[string]string{"XM": "张三", "HJDZ": fmt.Sprintf("云岭市岭东区一街道%d号", try)})
		if took := time.Since(begin); took < floor {
			t.Fatalf("answered after %v", took)
		}
		if r.status == http.StatusTooManyRequests {
			stopped++
			if r.code() != "YIYUAN-4292" || r.header.Get("Retry-After") == "" {
				t.Errorf("stopped by %s", r.text)
			}
		}
	}
	if stopped != 40 {
		t.Errorf("an enumeration of two subjects, five tries each, was stopped in %d of 50 tries", stopped)
	}
	if w.get("/v1/me", "key-RS-GLJT", "").status != http.StatusOK {
		t.Error("other questions are stopped too")
	}
}
