package grants_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/grants"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

func catalogue(t testing.TB) *schemas.Catalogue {
	t.Helper()
	c, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// one is an application of access.yaml as people write it.
func one(id, key string) string {
	return fmt.Sprintf(`  - id: %s
    title: 高龄津贴 # a comment
    department: RS
    key_digest: sha256:%x
    grants:
      - {view: person.partial, fields: [XM, CSRQ], purposes: [GLJT], until: 2026-12-31, quota: 60}
      - view: person.partial
        fields: ["*"]
        purposes: [DBHD]
`, id, access.DigestKey(key))
}

func text() string { return "# grants\napplications:\n" + one("RS", "secret") }

func TestParse(t *testing.T) {
	t.Parallel()
	apps, err := grants.Parse([]byte(text()))
	if err != nil {
		t.Fatal(err)
	}
	want := []access.Application{{
		ID: "RS", Title: "高龄津贴", Department: "RS", KeyDigest: access.DigestKey("secret"),
		Grants: []access.Grant{
			{View: "person.partial", Fields: []string{"XM", "CSRQ"}, Purposes: []string{"GLJT"}, Until: time.Date(2027, 1, 1, 0, 0, 0, 0, time.FixedZone("", 8*3600)), Quota: 60},
			{View: "person.partial", Fields: []string{"*"}, Purposes: []string{"DBHD"}},
		},
	}}
	if !apps[0].Grants[0].Until.Equal(want[0].Grants[0].Until) {
		t.Errorf("until %v", apps[0].Grants[0].Until)
	}
	apps[0].Grants[0].Until = want[0].Grants[0].Until
	if !reflect.DeepEqual(apps, want) {
		t.Errorf("got  %+v\nwant %+v", apps, want)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	good := text()
	for name, c := range map[string]struct{ from, to, want string }{
		"unknown member": {"title:", "titel:", "titel"},
		"line":           {"title:", "titel:", ":4:"},
		"key in clear":   {"sha256:", "sha512:", "key_digest"},
		"bad day":        {"2026-12-31", "2026-02-31", "until"},
		"negative quota": {"quota: 60", "quota: -1", "quota"},
		"no fields":      {"[XM, CSRQ]", "[]", "names no field"},
		"emptied":        {good, "", "applications: []"},
		"only comments":  {good, "# nothing\n", "applications: []"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "access.yaml")
			write(t, path, strings.Replace(good, c.from, c.to, 1))
			if _, _, err := grants.Load(path, catalogue(t)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something about %q", err, c.want)
			}
		})
	}
	if _, err := grants.Parse([]byte("applications: []")); err != nil {
		t.Errorf("nobody, in so many words: %v", err)
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// watched is a file that is watched.
type watched struct {
	path   string
	access *access.Access
	state  atomic.Pointer[grants.State]
}

func watch(t *testing.T, path string) *watched {
	t.Helper()
	return watchTelling(t, path, slog.New(slog.DiscardHandler))
}

func watchTelling(t *testing.T, path string, log *slog.Logger) *watched {
	t.Helper()
	f, a, err := grants.Load(path, catalogue(t))
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{path: path, access: a}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.Watch(ctx, a, log, func(s grants.State) { w.state.Store(&s) })
	}()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

func (w *watched) serves(key string) bool {
	_, reason := w.access.Identify(key)
	return reason == access.OK
}

func (w *watched) fails() bool { s := w.state.Load(); return s != nil && s.Err != nil }

// within waits for ok.
func within(t *testing.T, what string, limit time.Duration, ok func() bool) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("not within %v: %s", limit, what)
		case <-tick.C:
		}
	}
}

const soon = time.Minute // of a machine that does much else

func TestWatch(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "access.yaml")
	write(t, path, text())
	w := watch(t, path)
	write(t, path, "applications: [{}]")
	within(t, "a file that cannot be used is told", soon, w.fails)
	if !w.serves("secret") {
		t.Error("a file that cannot be used changed what is in force")
	}
	write(t, path, text())
	within(t, "it is mended", soon, func() bool { return !w.fails() })
	write(t, path, "")
	within(t, "an emptied file is told", soon, w.fails)
	if !w.serves("secret") {
		t.Error("an emptied file revoked everybody")
	}
	write(t, path, "applications: []")
	within(t, "the revocation is in force", soon, func() bool { return !w.serves("secret") && !w.fails() })
	write(t, path, text())
	within(t, "the grant is back", soon, func() bool { return w.serves("secret") })
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	within(t, "a file that is gone is told", soon, w.fails)
	if !w.serves("secret") {
		t.Error("a file that is gone revoked everybody")
	}
	write(t, path, text())
	within(t, "it is back", soon, func() bool { return !w.fails() && w.serves("secret") })
}

// TestChangesThatHide makes changes that leave as much as possible as it was.
func TestChangesThatHide(t *testing.T) {
	t.Parallel()
	other := "# grants\napplications:\n" + one("RS", "public")
	if len(other) != len(text()) {
		t.Fatal("the files differ in size")
	}
	for name, change := range map[string]func(t *testing.T, path string, at time.Time){
		"same size, same time": func(t *testing.T, path string, at time.Time) {
			t.Helper()
			write(t, path, other)
			must(t, os.Chtimes(path, at, at))
		},
		"renamed over, same size and time": func(t *testing.T, path string, at time.Time) {
			t.Helper()
			write(t, path+".new", other)
			must(t, os.Chtimes(path+".new", at, at))
			must(t, os.Rename(path+".new", path))
		},
		"older file renamed over": func(t *testing.T, path string, at time.Time) {
			t.Helper()
			write(t, path+".new", other)
			must(t, os.Chtimes(path+".new", at.Add(-time.Hour), at.Add(-time.Hour)))
			must(t, os.Rename(path+".new", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "access.yaml")
			write(t, path, text())
			at := time.Now().Add(-24 * time.Hour)
			must(t, os.Chtimes(path, at, at))
			w := watch(t, path)
			change(t, path, at)
			within(t, "the change is in force", soon, func() bool { return w.serves("public") && !w.serves("secret") })
		})
	}
	t.Run("a link to a folder is turned, as Kubernetes does", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		for name, content := range map[string]string{"..1": text(), "..2": other} {
			must(t, os.Mkdir(filepath.Join(dir, name), 0o700))
			write(t, filepath.Join(dir, name, "access.yaml"), content)
		}
		must(t, os.Symlink("..1", filepath.Join(dir, "..data")))
		must(t, os.Symlink(filepath.Join("..data", "access.yaml"), filepath.Join(dir, "access.yaml")))
		w := watch(t, filepath.Join(dir, "access.yaml"))
		must(t, os.Symlink("..2", filepath.Join(dir, "..tmp")))
		must(t, os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")))
		within(t, "the change is in force", soon, func() bool { return w.serves("public") && !w.serves("secret") })
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// city is an access file of many applications.
func city(n int, but map[int]string) string {
	var b strings.Builder
	b.WriteString("applications:\n")
	for i := range n {
		switch change, changed := but[i]; {
		case !changed:
			b.WriteString(one(fmt.Sprintf("APP-%05d", i), fmt.Sprintf("key-%d", i)))
		case change != "":
			b.WriteString(one(fmt.Sprintf("APP-%05d", i), change))
		}
	}
	return b.String()
}

// TestTenThousand changes one application of ten thousand, in the ways that people
// do. How soon that is in force is a matter of the machine; what is done for it is
// not: only the lines that changed are read, and nothing like the memory of a first
// read is spent. Reading all again took 2.4 s of 2,225 applications once.
func TestTenThousand(t *testing.T) {
	if testing.Short() {
		t.Skip("a large file")
	}
	const n = 10_000
	path := filepath.Join(t.TempDir(), "access.yaml")
	content := city(n, nil)
	write(t, path, content)
	before := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(path, before, before))
	var told shared
	at := allocated()
	w := watchTelling(t, path, slog.New(slog.NewTextHandler(&told, nil)))
	first := allocated() - at
	change := func(what, content string, read, left int, there func() bool) {
		t.Helper()
		write(t, path+".new", content)
		at := allocated()
		must(t, os.Rename(path+".new", path))
		begin := time.Now()
		within(t, what, soon, there)
		took, spent := time.Since(begin), allocated()-at
		t.Logf("%s: in force after %v, %d MB allocated of %d at the first read", what, took.Round(time.Millisecond), spent>>20, first>>20)
		if spent > first/4 {
			t.Errorf("%s: %d bytes were allocated, %d for reading all of the file", what, spent, first)
		}
		within(t, what+": told", soon, func() bool { return told.last("in force", fmt.Sprintf("applications=%d read=%d\n", left, read)) })
	}
	change("an application is taken out", city(n, map[int]string{4711: ""}), 0, n-1, func() bool { return !w.serves("key-4711") })
	change("a key is replaced", city(n, map[int]string{4711: "", 12: "another"}), 1, n-1, func() bool { return w.serves("another") && !w.serves("key-12") })
	change("it is put back, and a grant revoked", strings.Replace(city(n, map[int]string{12: "another"}), "purposes: [GLJT]", "purposes: [DBHD]", 1), 2, n, func() bool { return w.serves("key-4711") })
	change("all as it was", content, 2, n, func() bool { return w.serves("key-12") })
	if !w.serves("key-4710") || !w.serves("key-9999") || w.access.Len() != n {
		t.Error("others are not served any more")
	}
}

// shared is a log that one writes while another reads it.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

// last reports whether the last line says this.
func (s *shared) last(parts ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := strings.SplitAfter(s.text.String(), "\n")
	if len(lines) < 2 {
		return false
	}
	for _, p := range parts {
		if !strings.Contains(lines[len(lines)-2], p) {
			return false
		}
	}
	return true
}

// allocated is how many bytes were allocated since the process began.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestUnchangedCostsNothing counts what the watcher allocates while the file
// stays as it is: less than the file is long, so it is neither parsed nor kept.
func TestUnchangedCostsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.yaml")
	content := city(2000, nil)
	write(t, path, content)
	f, a, err := grants.Load(path, catalogue(t))
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	before := allocated()
	f.Watch(ctx, a, slog.New(slog.DiscardHandler), func(grants.State) {})
	// The file is young: it may be read, to compare it, and that is all.
	if spent := allocated() - before; spent > uint64(len(content)) {
		t.Errorf("%d bytes were allocated for a file of %d that did not change", spent, len(content))
	}
}

// TestPartsEqualWhole holds the parse that looks at what changed against the
// parse of the whole file.
func TestPartsEqualWhole(t *testing.T) {
	t.Parallel()
	a, b := one("A", "a"), one("B", "b")
	for name, file := range map[string]string{
		"plain":               "applications:\n" + a + b,
		"comments":            "# c\n\napplications: # c\n# c\n" + a + "\n  # about B\n" + b + "# end\n",
		"no indent":           "applications:\n" + strings.ReplaceAll("\n"+a+b, "\n  ", "\n")[1:],
		"no comment":          "applications:#\n" + a,
		"flow":                "applications: [{id: A, department: RS, key_digest: \"sha256:" + strings.Repeat("1", 64) + "\"}]\n",
		"anchors":             "applications:\n" + strings.Replace(a, "[XM, CSRQ]", "&f [XM, CSRQ]", 1) + strings.Replace(b, "[XM, CSRQ]", "*f", 1),
		"dash alone":          "applications:\n" + strings.Replace(a, "  - id", "  -\n    id", 1) + b,
		"block text":          "applications:\n" + strings.Replace(a, "高龄津贴 # a comment", "|\n      - not an application\n      - id: X", 1) + b,
		"text over two lines": "applications:\n" + strings.Replace(a, "高龄津贴 # a comment", "\"高龄\n      - 津贴\"", 1) + b,
		"two documents":       "applications:\n" + a + "---\napplications:\n" + b,
		"another member":      "applications:\n" + a + "more: 1\n",
		"twice":               "applications:\n" + a + "applications:\n" + b,
		"misplaced":           "applications:\n" + a + "   - id: B\n",
		"windows":             strings.ReplaceAll("applications:\n"+a+b, "\n", "\r\n"),
		"no end of line":      strings.TrimRight("applications:\n"+a+b, "\n"),
		"duplicate member":    "applications:\n" + strings.Replace(a, "department: RS", "department: RS\n    department: RS", 1),
		"unknown member":      "applications:\n" + a + strings.Replace(b, "title:", "titel:", 1),
		"tab":                 "applications:\n" + strings.Replace(a, "title: ", "title:\t", 1),
		"nobody":              "applications:\n",
		"null":                "applications: null\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, wantErr := grants.Parse([]byte(file))
			got, gotErr := grants.ParseTwice("applications:\n"+a, file)
			if !reflect.DeepEqual(got, want) || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
				t.Errorf("in parts %+v %v\nwhole %+v %v", got, gotErr, want, wantErr)
			}
		})
	}
}

// BenchmarkWatch is a second of a gateway with 225 applications that nobody changes.
func BenchmarkWatch(b *testing.B) {
	path := filepath.Join(b.TempDir(), "access.yaml")
	write(b, path, city(225, nil))
	old := time.Now().Add(-time.Hour)
	must(b, os.Chtimes(path, old, old))
	f, a, err := grants.Load(path, catalogue(b))
	must(b, err)
	cpu := func() time.Duration {
		var u syscall.Rusage
		must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := cpu()
	n := 0
	for b.Loop() {
		ctx, cancel := context.WithTimeout(b.Context(), time.Second)
		f.Watch(ctx, a, slog.New(slog.DiscardHandler), func(grants.State) {})
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			b.Fatal("ended early")
		}
		cancel()
		n++
	}
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(n), "µs-cpu/s")
}
