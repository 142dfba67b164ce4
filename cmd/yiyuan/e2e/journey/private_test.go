package journey

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// What a city leaves on the disk holds persons in clear: the state of the steps, the broker's
// log, the files of departments, the truth of the demonstration, keys. Whatever the umask it
// is started with, no file and no folder of it can be read by others, nor by the group but for
// the drop folders, and a folder that was open is narrowed.
func TestNothingIsLeftForOthers(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	city, demo := filepath.Join(top, "city"), filepath.Join(top, "demo")
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", `umask 0; exec yiyuan init "$0"`, city).CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	state := filepath.Join(city, "data", "state")
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(state, 0o755); err != nil { // as the release before left it
		t.Fatal(err)
	}
	gateway := e2e.FreePort(t)
	p := e2e.LaunchBy(t, []string{
		"env", "-C", city, "YIYUAN_GATEWAY_LISTEN=" + gateway, "YIYUAN_BUS_EMBEDDED_LISTEN=" + e2e.FreePort(t), "YIYUAN_REGISTRY_LISTEN=",
		"YIYUAN_ADMIN_LISTEN=", "YIYUAN_PUSH_LISTEN=", "sh", "-c", "umask 0; exec yiyuan run --config yiyuan.yaml",
	})
	key, err := os.ReadFile(filepath.Join(city, "secrets", "MZ-DBHD.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(city, "drop", "mz", "wrong.csv"), []byte("nobody,knows\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e2e.Await(t, "a record, and a file refused", func() string {
		p.Alive()
		if refused, _ := filepath.Glob(filepath.Join(city, "drop", "mz", "rejected", "*.reason")); len(refused) == 0 {
			return "nothing in rejected/"
		}
		status, out := e2e.Request(t, "POST", "http://"+gateway+"/v1/lookup/person.partial", string(key), "DBHD", `{"key":"539902198503120013"}`)
		if status != 200 {
			return out
		}
		return ""
	})
	p.Stop()
	if !bytes.Contains(p.Stderr.Bytes(), []byte("setting=processors.dir")) {
		t.Error("the log does not say that an open folder was narrowed")
	}
	p = e2e.LaunchBy(t, []string{
		"sh", "-c", `umask 0; mkdir "$0"; exec yiyuan demo --json --data "$0" --listen "$1" --rate 1`, demo, e2e.FreePort(t),
	})
	e2e.Await(t, "the demonstration", func() string {
		p.Alive()
		if !bytes.Contains(p.Stdout.Bytes(), []byte(`"truth"`)) {
			return "it is not ready"
		}
		return ""
	})
	p.Stop()
	found := 0
	for _, below := range []string{filepath.Join(city, "data"), filepath.Join(city, "drop"), filepath.Join(city, "secrets"), demo} {
		err := filepath.WalkDir(below, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == demo { // which is the user's own
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			found++
			if info.Mode().Perm()&0o007 != 0 {
				t.Errorf("%s is %v", path, info.Mode())
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	for _, dir := range []string{filepath.Join(city, "secrets"), state, filepath.Join(city, "data"), filepath.Join(city, "data", "broker"), filepath.Join(demo, "state"), filepath.Join(demo, "broker")} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s is %v, want it to be its owner's alone (%v)", dir, info.Mode(), err)
		}
	}
	if found < 50 {
		t.Errorf("only %d files and folders were looked at", found)
	}
}
