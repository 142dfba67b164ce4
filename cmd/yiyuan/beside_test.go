package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings/settingstest"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
)

// beside is a city whose configuration has files beside the catalogue.
type beside struct {
	*hall
	dir, config, catalogue string
}

// newBeside lays one out: the sample city with what edit puts into it, and files by the
// part of a name in dir.
func newBeside(h *hall, edit func(w *e2e.Town), files map[string]string) *beside {
	h.Helper()
	b := &beside{hall: h, dir: h.TempDir(), catalogue: h.folder("", "", "")}
	edit(b.town())
	b.config = filepath.Join(b.dir, "yiyuan.yaml")
	for name, text := range map[string]string{
		"access.yaml":     grant("MZ", "GA02.partial", `"*"`, "DBHD"),
		"sources/ga.yaml": "source: ga\nkind: push\ndatasets: [GA02]\n",
		"push-keys.yaml":  "keys: []\n",
		"yiyuan.yaml":     configuration,
	} {
		b.write(name, text)
	}
	for name, text := range files {
		b.write(name, text)
	}
	return b
}

func (b *beside) town() *e2e.Town { return &e2e.Town{TB: b, Catalogue: b.catalogue} }

func (b *beside) write(name, text string) {
	b.Helper()
	file := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		b.Fatal(err)
	}
	text = strings.NewReplacer("DIR", b.dir, "CATALOGUE", b.catalogue, "KEYS", e2e.KeyFile(b, b.dir), "BROKER", b.broker.Addrs()[0]).Replace(text)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

const configuration = `roles: [connectors, gateway]
catalogue: "CATALOGUE"
sources: "DIR/sources"
access: "DIR/access.yaml"
keys: {file: "KEYS"}
bus: {brokers: ["BROKER"], partitions: 1}
registry: {listen: ""}
push: {listen: "127.0.0.1:0", keys: "DIR/push-keys.yaml"}
gateway:
  listen: "127.0.0.1:0"
  unconnected: []
admin: {listen: ""}
`

// grant is an access file with one grant.
func grant(department, view, fields, purpose string) string {
	return fmt.Sprintf("applications:\n  - id: A\n    title: 核对\n    department: %s\n    key_digest: sha256:%x\n    grants:\n      - {view: %s, fields: [%s], purposes: [%s]}\n",
		department, access.DigestKey("key"), view, fields, purpose)
}

// types runs a command of the program over the city.
func (b *beside) types(args ...string) (code int, out, said string) {
	b.Helper()
	var o, e bytes.Buffer
	root := newRoot()
	root.SetArgs(append(args, "--config", b.config))
	root.SetOut(&o)
	root.SetErr(&e)
	code, said = ended(root.ExecuteContext(b.Context()))
	return code, o.String(), e.String() + said
}

// isRefused starts a process, which says what plan said, and what leads to a start.
func (b *beside) isRefused(want string) {
	b.Helper()
	cfg, err := settings.Load(b.config)
	if err != nil {
		b.Fatal(err)
	}
	_, fault, placed := strings.Cut(want, "gateway.unconnected: ") // of which the process knows the key alone
	if !placed {
		fault = want
	}
	err = process.Run(b.Context(), cfg, "test")
	if err == nil || !strings.Contains(err.Error(), fault) || !placed && !strings.Contains(err.Error(), "that is enough for a start") {
		b.Errorf("the start = %v, want %q", err, want)
	}
}

// What the next start would refuse, plan tells with its place and apply does not put in
// force: each kind of thing that a catalogue can lose and a file beside it can name.
func TestPlanJudgesWhatTheStartReads(t *testing.T) {
	e2e.InTurn(t)
	settingstest.Bare(t)
	const spare = "dataset: GA92\ntitle: 访客登记\nenglish: Visitors\nsummary: 访客\nprovider: GA\ncode: 101010002/000092\nclass: B\ncycle: realtime\nkey: [DJH]\nfields:\n" +
		"  - {name: DJH, title: 登记号, english: Registration number, element: certificate}\nviews:\n  partial: {title: 访客登记}\n"
	const field = "  - {name: JZSY, title: 居住事由, english: Reason, element: text, nullable: true}\n"
	const view = "  births: {title: 出生, fields: [GMSFHM, CSRQ]}\n"
	const embed = "      - {dataset: SC01, role: legal_rep, fields: [JGMC, DJZTDM, ZCZB], max: 20}\n"
	const purpose = "  - {id: DBHD, "
	puts := func(file, at, text string) func(w *e2e.Town) {
		return func(w *e2e.Town) { w.Edit(file, at, at+text) }
	}
	takes := func(file, text string) func(w *e2e.Town) {
		return func(w *e2e.Town) { w.Edit(file, text, "") }
	}
	adds := func(file, text string) func(w *e2e.Town) { return func(w *e2e.Town) { w.Write(file, text) } }
	drops := func(file string) func(w *e2e.Town) {
		return func(w *e2e.Town) {
			if err := os.Remove(filepath.Join(w.Catalogue, file)); err != nil {
				w.Fatal(err)
			}
		}
	}
	nothing := func(*e2e.Town) {}
	unconnected := strings.Replace(configuration, "unconnected: []", "unconnected: [GA92]", 1)
	sex := "set: spare\ntitle: 备用\nenglish: Spare\nstandard: 云岭市\nversion: \"2026\"\nsource: made up\ncomplete: true\ncodes:\n  - {value: \"1\", title: 甲, english: One}\n"
	started := map[string]bool{}
	for _, c := range []struct {
		name          string
		before, after func(w *e2e.Town)
		file, is      string // names what goes
		want          string // place and what of it, "" = nothing is refused
		mended        string // the file after
	}{
		{"purpose", nothing, func(w *e2e.Town) { w.Edit("purposes.yaml", purpose, "  - {id: ANDERS, ") }, "access.yaml", grant("MZ", "GA02.partial", `"*"`, "DBHD"), `access.yaml:7:56: application "A": 用途 "DBHD" 不存在`, grant("MZ", "GA02.partial", `"*"`, "GLJT")},
		{"field", puts("datasets/GA02.yaml", "fields:\n", field), takes("datasets/GA02.yaml", field), "access.yaml", grant("MZ", "GA02.partial", "GMSFHM, JZSY", "DBHD"), `access.yaml:7:47: application "A": 视图 GA02.partial 的字段 "JZSY" 不存在`, grant("MZ", "GA02.partial", "GMSFHM", "DBHD")},
		{"embed", nothing, takes("entities/person.yaml", embed), "access.yaml", grant("MZ", "person.relief", "XM, SC01", "DBHD"), `access.yaml:7:44: application "A": 视图 person.relief 的字段 "SC01" 不存在`, grant("MZ", "person.relief", "XM", "DBHD")},
		{"department", puts("departments.yaml", "departments:\n", "  - {id: QT, title: 其他局, english: Others, code: \"1153990000099077XD\"}\n"), takes("departments.yaml", "  - {id: QT, title: 其他局, english: Others, code: \"1153990000099077XD\"}\n"), "access.yaml", grant("QT", "GA02.partial", `"*"`, "DBHD"), `access.yaml:4:17: application "A": 部门 "QT" 不存在`, grant("MZ", "GA02.partial", `"*"`, "DBHD")},
		{"view", puts("datasets/GA01.yaml", "views:\n", view), takes("datasets/GA01.yaml", view), "access.yaml", grant("MZ", "GA01.births", `"*"`, "DBHD"), `access.yaml:7:16: application "A": 视图 "GA01.births" 不存在`, "applications: []\n"},
		{"dataset, in the access file", adds("datasets/GA92.yaml", spare), drops("datasets/GA92.yaml"), "access.yaml", grant("MZ", "GA92.partial", `"*"`, "DBHD"), `access.yaml:7:16: application "A": 视图 "GA92.partial" 不存在`, "applications: []\n"},
		{"dataset, in a source", adds("datasets/GA92.yaml", spare), drops("datasets/GA92.yaml"), "sources/ga.yaml", "source: ga\nkind: push\ndatasets: [GA02, GA92]\n", `sources/ga.yaml:3:18: datasets: 目录中没有`, "source: ga\nkind: push\ndatasets: [GA02]\n"},
		{"field, in a source", puts("datasets/GA02.yaml", "fields:\n", field), takes("datasets/GA02.yaml", field), "sources/ga.yaml", "source: ga\nkind: file\ndatasets: [GA02]\noptions: {dir: in, columns: {事由: JZSY}}\n", `sources/ga.yaml:4:30: `, "source: ga\nkind: file\ndatasets: [GA02]\noptions: {dir: in}\n"},
		{"dataset, in the settings", adds("datasets/GA92.yaml", spare), drops("datasets/GA92.yaml"), "yiyuan.yaml", unconnected, `yiyuan.yaml:11:16: gateway.unconnected: 目录中没有数据集 "GA92"`, configuration},
		{"code list", adds("codes/spare.yaml", sex), drops("codes/spare.yaml"), "access.yaml", grant("MZ", "GA02.partial", `"*"`, "DBHD"), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHall(t)
			b := newBeside(h, c.before, map[string]string{c.file: c.is})
			if code, out, said := b.types("apply", "--yes"); code != exit.OK {
				t.Fatalf("the first apply = %d\n%s%s", code, out, said)
			}
			was := h.version(b.catalogue)
			c.after(b.town())
			code, out, said := b.types("plan")
			if c.want == "" {
				if code != exit.OK || strings.Contains(out, "the next start is refused") {
					t.Errorf("plan = %d\n%s%s", code, out, said)
				}
				if code, out, said := b.types("apply", "--yes"); code != exit.OK {
					t.Errorf("apply = %d\n%s%s", code, out, said)
				}
				return
			}
			if code != exit.Problems || !strings.Contains(out, c.want) || !strings.Contains(out, "\n    → ") || !strings.Contains(said, "--mend-later") {
				t.Errorf("plan = %d\n%s%s\nwant %q", code, out, said, c.want)
			}
			defer func() {
				b.write(c.file, c.mended)
				if code, out, said := b.types("plan"); code != exit.OK {
					t.Errorf("plan of the mended = %d\n%s%s", code, out, said)
				}
			}()
			if started[c.file] { // plan tells of each; what becomes of it hangs on the file alone
				return
			}
			started[c.file] = true
			if code, _, said := b.types("apply", "--yes"); code != exit.Problems || !strings.Contains(said, "1 处会使下次启动被拒绝") {
				t.Errorf("apply = %d\n%s", code, said)
			}
			if _, out, _ := b.types("plan"); !strings.HasPrefix(out, "目录 / catalogue "+was+" → ") {
				t.Errorf("what was refused is in force\n%s", out)
			}
			if code, out, said := b.types("apply", "--yes", "--mend-later"); code != exit.OK || !strings.Contains(out, c.want) {
				t.Fatalf("apply --mend-later = %d\n%s%s", code, out, said)
			}
			if code, out, _ := b.types("plan"); code != exit.Problems || !strings.Contains(out, "没有差异") || !strings.Contains(out, c.want) {
				t.Errorf("plan of what is in force = %d\n%s", code, out)
			}
			b.isRefused(c.want)
		})
	}
}

// A start that is refused for one file says what another would be refused for next.
func TestRefusedStartNamesEveryPlace(t *testing.T) {
	settingstest.Bare(t)
	b := newBeside(newHall(t), func(*e2e.Town) {}, map[string]string{
		"access.yaml":     grant("MZ", "GA02.partial", `"*"`, "NONE"),
		"sources/ga.yaml": "source: ga\nkind: push\ndatasets: [GA02, ZZ01]\n",
		"yiyuan.yaml":     strings.Replace(configuration, "unconnected: []", "unconnected: [ZZ02]", 1),
	})
	cfg, err := settings.Load(b.config)
	if err != nil {
		t.Fatal(err)
	}
	err = process.Run(t.Context(), cfg, "test")
	for _, place := range []string{`"NONE" 不存在`, "sources/ga.yaml:3:18: ", `"ZZ02"`} {
		if err == nil || !strings.Contains(err.Error(), place) {
			t.Errorf("the start = %v, which does not say %s", err, place)
		}
	}
}

// What plan cannot look at it says: files that this configuration does not name, for other
// processes read them, and one that is not to be opened here.
func TestPlanSaysWhatItDoesNotSee(t *testing.T) {
	settingstest.Bare(t)
	for _, c := range []struct{ name, from, to, want string }{
		{"no role", "roles: [connectors, gateway]", "roles: [processors]", "本配置不读授权文件和数据源文件"},
		{"no access file", `access: "DIR/access.yaml"`, `access: ""`, "本配置不读授权文件，"},
		{"no sources", `sources: "DIR/sources"`, `sources: ""`, "本配置不读数据源文件，"},
		{"not here", "access.yaml", "elsewhere.yaml", "elsewhere.yaml）在这里打不开"},
		{"all", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBeside(newHall(t), func(*e2e.Town) {}, map[string]string{"yiyuan.yaml": strings.Replace(configuration, c.from, c.to, 1)})
			code, out, said := b.types("plan")
			if code != exit.OK || !strings.Contains(out, c.want) {
				t.Errorf("plan = %d\n%s%s\nwant %q", code, out, said, c.want)
			}
			if c.want == "" && (strings.Contains(out, "本配置不读") || strings.Contains(out, "打不开")) {
				t.Errorf("all is seen, but plan says\n%s", out)
			}
		})
	}
}

// The push keys name nothing of the catalogue; the start refuses them all the same.
func TestPlanJudgesPushKeys(t *testing.T) {
	settingstest.Bare(t)
	b := newBeside(newHall(t), func(*e2e.Town) {}, map[string]string{"push-keys.yaml": "keys: everybody\n"})
	code, out, said := b.types("apply", "--yes")
	if code != exit.Problems || !strings.Contains(out, "push-keys.yaml:1:7: ") || !strings.Contains(out, "改正推送密钥文件") {
		t.Errorf("apply = %d\n%s%s", code, out, said)
	}
}
