package upgrade

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/processors/state"
)

// landed is a city as the first release left it when it was killed: testdata/landed
// makes it, with that release.
type landed struct {
	testing.TB
	dir                                 string
	kafka, gateway, push, admin, prefix string
	bus                                 string // the configuration's
	said                                []delivery
	before                              int // so many of them to the first release
	process                             *e2e.Process
}

// delivery is what a department handed over at once, in the spelling it used.
type delivery struct {
	Source, Dataset string
	Replace, Delete bool
	Key, Name       string
	Rows            []map[string]string
	Bad             []int
}

// unpack lays the city out as it was.
func unpack(t testing.TB) *landed {
	t.Helper()
	w := &landed{TB: t, dir: t.TempDir(), gateway: e2e.FreePort(t), push: e2e.FreePort(t), admin: e2e.FreePort(t)}
	f, err := os.Open("testdata/landed/landed.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(zip); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(w.dir, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else if b, read := io.ReadAll(archive); read != nil {
			err = read
		} else if err = os.WriteFile(path, b, 0o600); err == nil {
			err = os.Chtimes(path, h.ModTime, h.ModTime)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	said, err := os.ReadFile(filepath.Join(w.dir, "deliveries.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for decoder := json.NewDecoder(bytes.NewReader(said)); ; {
		var d delivery
		if err := decoder.Decode(&d); errors.Is(err, io.EOF) {
			return w
		} else if err != nil {
			t.Fatal(err)
		}
		w.said, w.before = append(w.said, d), w.before+1
	}
}

// embedded has the city go on with the folder of its broker.
func (w *landed) embedded() {
	w.Helper()
	w.kafka = e2e.FreePort(w)
	w.bus = fmt.Sprintf("{partitions: 2, embedded: {listen: %q, data: %q}}", w.kafka, filepath.Join(w.dir, "broker"))
	w.refresh()
}

// refresh makes the state of the steps as young as it was when the release ended: what
// is older than a day is not gone on with, but made anew from the changelogs.
func (w *landed) refresh() {
	w.Helper()
	store, err := state.Open(state.Options{Dir: filepath.Join(w.dir, "state")})
	if err != nil {
		w.Fatal(err)
	}
	n := 0
	for _, step := range []string{"route", "resolve.person", "resolve.enterprise", "resolve.birth", "resolve.address"} {
		for p := range int32(2) {
			partition := store.Partition(step, p)
			at, _, found, err := partition.Position()
			if err != nil {
				w.Fatal(err)
			}
			if !found {
				continue
			}
			n++
			b := store.Batch()
			if err := errors.Join(b.Reach(partition, at, time.Now()), b.Commit()); err != nil {
				w.Fatal(err)
			}
		}
	}
	if err := store.Close(); err != nil {
		w.Fatal(err)
	}
	if n == 0 {
		w.Fatal("the fixture's state holds no partition")
	}
}

// connected are the datasets that somebody delivers here.
var connected = []string{"CL01", "GA01", "RS02", "SC01"}

// open starts this build on it, configured as that release was, but for what CHANGELOG
// says is to be added.
func (w *landed) open() {
	w.Helper()
	w.process = e2e.Launch(w, "run", "--config", w.configure())
	e2e.Connect(w, w.process, strings.Split(w.kafka, ","), w.prefix).Close()
}

func (w *landed) configure() string {
	w.Helper()
	cat := e2e.CatalogueIn(w, filepath.Join(w.dir, "catalogue"))
	var unconnected []string
	for _, d := range cat.Datasets {
		if !slices.Contains(connected, d.ID) {
			unconnected = append(unconnected, d.ID)
		}
	}
	fill := strings.NewReplacer("@DIR@/sources", w.dir+"/filled/sources", "@DIR@", w.dir, "@REGISTRY@", "", "@ADMIN@", w.admin, "@PUSH@", w.push, "@BUS@", w.bus,
		`"@GATEWAY@"`, fmt.Sprintf("%q, unconnected: [%s]", w.gateway, strings.Join(unconnected, ", ")))
	names, err := filepath.Glob(filepath.Join(w.dir, "sources", "*.yaml"))
	if err != nil {
		w.Fatal(err)
	}
	for _, path := range append(names, filepath.Join(w.dir, "yiyuan.yaml")) {
		text, err := os.ReadFile(path)
		to := strings.Replace(path, w.dir, filepath.Join(w.dir, "filled"), 1)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o700)
		}
		if err == nil {
			err = os.WriteFile(to, []byte(fill.Replace(string(text))), 0o600)
		}
		if err != nil {
			w.Fatal(err)
		}
	}
	return filepath.Join(w.dir, "filled", "yiyuan.yaml")
}

// delivers hands something over and waits until the city has it.
func (w *landed) delivers(d delivery) {
	w.Helper()
	w.said = append(w.said, d)
	if d.Name == "" {
		w.pushes(d, false)
		return
	}
	var b bytes.Buffer
	table := csv.NewWriter(&b)
	names := slices.Sorted(maps.Keys(d.Rows[0]))
	lines := [][]string{names}
	for _, row := range d.Rows {
		line := make([]string, len(names))
		for i, n := range names {
			line[i] = row[n]
		}
		lines = append(lines, line)
	}
	if err := table.WriteAll(lines); err != nil {
		w.Fatal(err)
	}
	folder := filepath.Join(w.dir, "drop", strings.TrimSuffix(d.Source, "-files"))
	if err := os.WriteFile(filepath.Join(folder, d.Name), b.Bytes(), 0o600); err != nil {
		w.Fatal(err)
	}
	if d.Replace {
		if err := os.WriteFile(filepath.Join(folder, d.Name+".done"), fmt.Appendf(nil, "rows=%d", len(d.Rows)), 0o600); err != nil {
			w.Fatal(err)
		}
	}
	e2e.Await(w, "file "+d.Name, func() string {
		w.process.Alive()
		if refused, _ := filepath.Glob(filepath.Join(folder, "rejected", "*"+d.Name)); len(refused) > 0 {
			w.Fatalf("file %s was refused", d.Name)
		}
		if taken, err := filepath.Glob(filepath.Join(folder, "done", "*"+d.Name)); err != nil || len(taken) == 0 {
			return fmt.Sprintf("not in done/, %v", err)
		}
		return ""
	})
}

// pushes sends rows; again says that the city must know the request already.
func (w *landed) pushes(d delivery, again bool) {
	w.Helper()
	var rows []any
	for _, row := range d.Rows {
		if d.Delete {
			rows = append(rows, map[string]any{"op": "delete", "key": map[string]string{"GMSFHM": row["GMSFHM"]}})
		} else {
			rows = append(rows, row)
		}
	}
	body, err := json.Marshal(rows)
	if err != nil {
		w.Fatal(err)
	}
	e2e.Await(w, "push "+d.Key, func() string {
		w.process.Alive()
		req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, "http://"+w.push+"/v1/push/"+d.Dataset, bytes.NewReader(body))
		if err != nil {
			w.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer RS")
		req.Header.Set("Idempotency-Key", d.Key)
		req.Header.Set("Content-Type", "application/json")
		said := e2e.Reply(http.DefaultClient.Do(req))
		switch said.Status {
		case http.StatusOK:
			if known := strings.Contains(said.Head, "Idempotency-Replayed:[true]"); known != again {
				w.Fatalf("push %s: known is %v, want %v: %s", d.Key, known, again, said.Body)
			}
			return ""
		case 0, http.StatusServiceUnavailable, http.StatusTooManyRequests:
			return said.Body
		}
		w.Fatalf("push %s: %d %s", d.Key, said.Status, said.Body)
		return ""
	})
}

// known are the rows there must be after all that was said, by dataset and key: a fold
// of the deliveries, which knows nothing of the bus. A key with a nil row is gone.
// times is how often each key was spoken of.
func (w *landed) known() (rows map[string]map[string]map[string]string, times map[string]map[string]int) {
	rows, times = map[string]map[string]map[string]string{}, map[string]map[string]int{}
	for _, d := range w.said {
		if rows[d.Dataset] == nil {
			rows[d.Dataset], times[d.Dataset] = map[string]map[string]string{}, map[string]int{}
		}
		table, count, here := rows[d.Dataset], times[d.Dataset], map[string]bool{}
		for i, row := range d.Rows {
			key := row[keyOf[d.Dataset]]
			if slices.Contains(d.Bad, i) {
				continue
			}
			here[key] = true
			count[key]++
			if table[key] = row; d.Delete {
				table[key] = nil
			}
		}
		for key, row := range table {
			if d.Replace && row != nil && !here[key] {
				table[key] = nil
				count[key]++
			}
		}
	}
	return rows, times
}

var keyOf = map[string]string{"CL01": "CJZH", "GA01": "GMSFHM", "RS02": "GMSFHM", "SC01": "TYSHXYDM"}

// first returns the delivery of a file or an idempotency key.
func (w *landed) first(name string) delivery {
	w.Helper()
	i := slices.IndexFunc(w.said, func(d delivery) bool { return d.Name == name || d.Key == name })
	if i < 0 {
		w.Fatalf("nothing was delivered as %s", name)
	}
	return w.said[i]
}
