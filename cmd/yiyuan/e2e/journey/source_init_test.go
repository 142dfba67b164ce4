package journey

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestProbedSourceRuns is the way of a department's table onto the bus: it is looked at, what
// is drafted passes `yiyuan check` as it is, and a source runs by it, whose rows arrive
// masked. No value of a row is told on the way, and no file is overwritten.
func TestProbedSourceRuns(t *testing.T) {
	t.Parallel()
	dsn := e2e.Service(t, "YIYUAN_TEST_POSTGRES")
	schema := strings.NewReplacer("-", "", ".", "").Replace(e2e.UniquePrefix())
	name := "ga-" + schema
	sql := department(t, dsn, schema, "yiyuan_ga_"+schema)
	sql(`CREATE SCHEMA ` + schema)
	sql(`CREATE TABLE ` + schema + `.t_jzz (djbh varchar(20) PRIMARY KEY, sfzh varchar(18) NOT NULL, "姓名" varchar(50) NOT NULL, xbdm char(1), lxdh text, jzdz text, csrq date, bz text, zp bytea, gxsj timestamptz DEFAULT now())`)
	sql(`COMMENT ON TABLE ` + schema + `.t_jzz IS '居住证登记'; COMMENT ON COLUMN ` + schema + `.t_jzz.djbh IS '登记编号'; COMMENT ON COLUMN ` + schema + `.t_jzz.sfzh IS '公民身份号码'; COMMENT ON COLUMN ` + schema + `.t_jzz.jzdz IS '居住地址'`)
	sql(`INSERT INTO ` + schema + `.t_jzz (djbh, sfzh, "姓名", xbdm, lxdh, jzdz, csrq, bz) VALUES ('JZ2026000001', '539902198503120013', '欧阳建国', '1', '13900000001', '示范市岭东区东关街道和平路1号', '1985-03-12', '同住三人'),
		('JZ2026000002', '539902199001011022', '司马相如', '2', '13900000002', '示范市岭东区翠湖街道湖滨路2号', '1990-01-01', NULL)`)
	values := []string{"JZ2026000001", "JZ2026000002", "539902198503120013", "539902199001011022", "欧阳建国", "司马相如", "1390000000", "和平路", "湖滨路", "1985", "同住"}

	dir := filepath.Join(t.TempDir(), "my-city")
	e2e.Runs(t, 0, "init", dir)
	init := []string{"source", "init", "postgres", "--dsn", "env:YIYUAN_TEST_POSTGRES", "--table", schema + ".t_jzz", "--catalogue", filepath.Join(dir, "catalogue"), "--out", dir, "--name", name, "--timeout", "1m"}
	before := texts(t, dir)
	dry := e2e.Runs(t, 0, append(init, "--dry-run")...)
	if after := texts(t, dir); len(after) != len(before) {
		t.Errorf("--dry-run has written: %d files were %d", len(after), len(before))
	}
	sql(`CREATE TABLE ` + schema + `.nokey (sfzh text); INSERT INTO ` + schema + `.nokey VALUES ('539902198503120013')`)
	refused := e2e.Runs(t, 1, append(init, "--table", schema+".nokey")...)
	if after := texts(t, dir); len(after) != len(before) || !strings.Contains(refused, "没有主键") || !strings.Contains(refused, schema+".t_jzz → GA02") || !strings.Contains(refused, "--table "+schema+".t_jzz") {
		t.Errorf("with a table that is refused there are %d files instead of %d:\n%s", len(after), len(before), refused)
	}
	said := e2e.Runs(t, 0, init...)
	for _, want := range []string{"GA02", "yiyuan check " + dir, "yiyuan plan", "yiyuan apply", "已写 / written"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	if strings.Contains(said, "✗") {
		t.Fatalf("something is wrong with what it has drafted:\n%s", said)
	}
	files := texts(t, dir)
	dataset, source := files[filepath.Join("catalogue", "datasets", "GA02.yaml")], files[filepath.Join("sources", name+".yaml")]
	for _, want := range []string{"title: 居住证登记", "element: id_number}", "element: person_name}", "element: phone, nullable: true}", "element: address, nullable: true}", "element: birth_date, nullable: true}", "zp（bytea）"} {
		if !strings.Contains(dataset, want) {
			t.Errorf("the dataset does not say %q:\n%s", want, dataset)
		}
	}
	for what, text := range map[string]string{"dry run": dry, "refusal": refused, "command": said, "dataset": dataset, "source": source} {
		for _, v := range values {
			if strings.Contains(text, v) {
				t.Errorf("a value of a row stands in the %s: %s", what, v)
			}
		}
		if strings.Contains(text, dsn) {
			t.Errorf("the connection string stands in the %s", what)
		}
	}
	if out := e2e.Runs(t, 0, "check", dir); strings.Contains(out, "warning") || !strings.Contains(out, "3 个数据集") || !strings.Contains(out, "3 个数据源") {
		t.Errorf("check: %s", out)
	}
	again := e2e.Runs(t, 2, init...)
	if !strings.Contains(again, name+".yaml") || texts(t, dir)[filepath.Join("sources", name+".yaml")] != source {
		t.Errorf("once more it says\n%s", again)
	}

	kafka := e2e.FreePort(t)
	p := e2e.LaunchBy(t, []string{
		"env", "-C", dir, "YIYUAN_GATEWAY_LISTEN=" + e2e.FreePort(t), "YIYUAN_BUS_EMBEDDED_LISTEN=" + kafka, "YIYUAN_REGISTRY_LISTEN=" + e2e.FreePort(t),
		"YIYUAN_ADMIN_LISTEN=" + e2e.FreePort(t), "YIYUAN_PUSH_LISTEN=", "yiyuan", "run", "--config", "yiyuan.yaml",
	})
	b := e2e.Connect(t, p, []string{kafka}, "")
	defer b.Close()
	arrive := func(topic contract.Topic, want int) (text string) {
		e2e.Await(t, string(topic), func() string {
			p.Alive()
			keys := map[string]bool{}
			text = ""
			err := b.Replay(t.Context(), topic, func(r bus.Record) error {
				if r.Header("ctl") == nil {
					keys[string(r.Key)] = true
					text += string(r.Key) + "\n" + string(r.Value) + "\n"
				}
				return nil
			})
			if err != nil {
				return err.Error()
			}
			if len(keys) != want {
				return "other rows than expected"
			}
			return ""
		})
		return text
	}
	if raw := arrive(contract.Raw("GA02"), 2); !strings.Contains(raw, "539902198503120013") || !strings.Contains(raw, "司马相如") || strings.Contains(raw, "x00") {
		t.Error("the rows are not those of the table")
	}
	sql(`INSERT INTO ` + schema + `.t_jzz (djbh, sfzh, "姓名") VALUES ('JZ2026000003', '539903195807042037', '王建国')`)
	if raw := arrive(contract.Raw("GA02"), 3); !strings.Contains(raw, "539903195807042037") {
		t.Error("the row that came later is not the table's")
	}
	shared := arrive(contract.Shared("GA02.partial"), 3)
	for _, v := range append(values, "王建国", "539903195807042037") {
		if v != "1985" && strings.Contains(shared, v) { // of a birth date the year is shown
			t.Errorf("the shared topic shows %s", v)
		}
	}
	p.Stop()
}

// department runs statements in a department's database, and takes away what a test leaves there.
func department(t *testing.T, dsn, schema, publication string) (run func(string)) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
		defer cancel()
		db, err := pgx.Connect(ctx, dsn)
		if err != nil {
			t.Error(err)
			return
		}
		defer db.Close(ctx)
		for _, q := range []string{"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE '" + publication + "%'", "DROP PUBLICATION IF EXISTS " + publication, "DROP SCHEMA IF EXISTS " + schema + " CASCADE"} {
			if _, err := db.Exec(ctx, q); err != nil {
				t.Errorf("%s: %v", q, err)
			}
		}
	})
	return func(statements string) {
		t.Helper()
		ctx := e2e.Bounded(t)
		db, err := pgx.Connect(ctx, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close(ctx)
		if _, err := db.Exec(ctx, statements); err != nil {
			t.Fatal(err)
		}
	}
}

// texts are the files of a folder, by their path in it.
func texts(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	files := os.DirFS(dir)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		out[filepath.FromSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
