package journey

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// TestInitCityRuns is a newcomer's first minute: what `yiyuan init` wrote is checked,
// runs as it is, answers masked, verifies, and its one planted contradiction is found and
// closes when it is mended, by the lines of its README.
func TestInitCityRuns(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "my-city")
	gateway := e2e.FreePort(t)
	here := []string{
		"env", "-C", dir, "YIYUAN_GATEWAY_LISTEN=" + gateway, "YIYUAN_BUS_EMBEDDED_LISTEN=" + e2e.FreePort(t), "YIYUAN_REGISTRY_LISTEN=" + e2e.FreePort(t),
		"YIYUAN_ADMIN_LISTEN=" + e2e.FreePort(t), "YIYUAN_PUSH_LISTEN=", "YIYUAN_CLIENT_GATEWAY=http://" + gateway,
	}
	says := func(command ...string) (string, error) {
		t.Helper()
		var b bytes.Buffer
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Stdout, cmd.Stderr = &b, &b
		err := cmd.Run()
		return b.String(), err
	}
	if out, err := says("yiyuan", "init", dir); err != nil || !strings.Contains(out, "yiyuan check .") {
		t.Fatalf("init: %v\n%s", err, out)
	}
	if out, err := says(append(here, "yiyuan", "check", ".")...); err != nil || !strings.Contains(out, "2 个部门") || strings.Contains(out, "warning") {
		t.Fatalf("check: %v\n%s", err, out)
	}
	p := e2e.LaunchBy(t, append(here, "yiyuan", "run", "--config", "yiyuan.yaml"))
	// The README's own lines are run, so that none of them can be wrong.
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	line := func(holds string) string {
		t.Helper()
		for l := range strings.Lines(string(readme)) {
			if strings.Contains(l, holds) {
				return strings.TrimSpace(l)
			}
		}
		t.Fatalf("README.md has no line with %q", holds)
		return ""
	}
	run := func(lines ...string) (string, error) {
		return says(append(here, "sh", "-c", strings.Join(lines, "\n"))...)
	}
	export := line("export YIYUAN_CLIENT_KEY")
	e2e.Await(t, "the masked record", func() string {
		p.Alive()
		out, err := run(export, line("yiyuan lookup"))
		if err != nil || !strings.Contains(out, `"539902************"`) || !strings.Contains(out, `"张*"`) || !strings.Contains(out, `"500-1000"`) {
			return out
		}
		if strings.Contains(out, "539902198503120013") || strings.Contains(out, "张三") || strings.Contains(out, "和平路") || strings.Contains(out, "680") {
			t.Errorf("the answer shows what it masks:\n%s", out)
		}
		return ""
	})
	for name, want := range map[string]string{"张三": `"match": true`, "张四": `"match": false`} {
		e2e.Await(t, "verify "+name, func() string { // a no waits for the complete copies of both departments
			if out, _ := run(export, strings.Replace(line("yiyuan verify"), "张三", name, 1)); !strings.Contains(out, want) {
				return out
			}
			return ""
		})
	}
	key, err := os.ReadFile(filepath.Join(dir, "secrets", "GA-JDGL.key"))
	if err != nil {
		t.Fatal(err)
	}
	finding := func(state string) func() string {
		return func() string {
			p.Alive()
			if _, out := e2e.Request(t, "GET", "http://"+gateway+"/v1/findings", string(key), "SUPERVISE", ""); !strings.Contains(out, `"rule":"HC-01"`) || !strings.Contains(out, `"state":"`+state+`"`) {
				return out
			}
			return ""
		}
	}
	e2e.Await(t, "the finding", finding("open"))
	if out, err := run(line("sed ")); err != nil {
		t.Fatalf("mend: %v\n%s", err, out)
	}
	e2e.Await(t, "the finding closed", finding("closed"))
	if out, err := run("yiyuan plan --config yiyuan.yaml"); err != nil || !strings.Contains(out, "no difference") {
		t.Errorf("plan: %v\n%s", err, out)
	}
	p.Stop()

	// Where another city has its port, it says which setting moves it.
	other, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", gateway)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if out, err := run("yiyuan run --config yiyuan.yaml"); err == nil || !strings.Contains(out, "gateway.listen") || !strings.Contains(out, "YIYUAN_GATEWAY_LISTEN") {
		t.Errorf("with its port taken: %v\n%s", err, out)
	}
}
