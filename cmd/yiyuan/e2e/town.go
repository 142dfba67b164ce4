package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// Town is a whole bus in one process beside the test, with the embedded broker,
// a catalogue folder of its own, and sources that the test feeds.
type Town struct {
	testing.TB
	Dir, Catalogue, Drop     string
	Kafka, Gateway, Registry string
	Push, Admin, Redis       string
	Data                     string // of the embedded broker, "" = gone with the process
	Process                  *Process
	sources                  map[string]any
	Applications, pushKeys   []any
}

// Found lays a town out: a copy of the sample city's catalogue, nothing else.
func Found(t testing.TB) *Town {
	t.Helper()
	dir := t.TempDir()
	w := &Town{
		TB: t, Dir: dir, sources: map[string]any{}, Catalogue: filepath.Join(dir, "catalogue"), Drop: filepath.Join(dir, "drop"),
		Kafka: FreePort(t), Gateway: FreePort(t), Registry: FreePort(t), Push: FreePort(t), Admin: FreePort(t),
	}
	if err := os.CopyFS(w.Catalogue, yunling.Files()); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(w.Drop, 0o700); err != nil {
		t.Fatal(err)
	}
	return w
}

// Edit replaces a text of a catalogue file, which must be there.
func (w *Town) Edit(file, old, text string) {
	w.Helper()
	path := filepath.Join(w.Catalogue, file)
	b, err := os.ReadFile(path)
	if err != nil {
		w.Fatal(err)
	}
	if !bytes.Contains(b, []byte(old)) {
		w.Fatalf("%s does not hold %q", file, old)
	}
	if err := os.WriteFile(path, bytes.Replace(b, []byte(old), []byte(text), 1), 0o600); err != nil {
		w.Fatal(err)
	}
}

// Write adds a file to the catalogue.
func (w *Town) Write(file, text string) {
	w.Helper()
	if err := os.WriteFile(filepath.Join(w.Catalogue, file), []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

// Grants lets an application, whose key is its name, look views up for a purpose.
func (w *Town) Grants(name, department, purpose string, views ...string) {
	grants := make([]any, len(views))
	for i, v := range views {
		grants[i] = map[string]any{"view": v, "fields": []string{access.AllFields}, "purposes": []string{purpose}}
	}
	w.Applications = append(w.Applications, map[string]any{
		"id": name, "title": name, "department": department, "purposes": []string{purpose},
		"key_digest": fmt.Sprintf("sha256:%x", access.DigestKey(name)), "grants": grants,
	})
}

// Binds adds a source.
func (w *Town) Binds(name, kind string, options map[string]any, datasets ...string) {
	source := map[string]any{"source": name, "kind": kind, "datasets": datasets}
	if options != nil {
		source["options"] = options
	}
	w.sources[name] = source
}

// Pushes lets a department push with a key, which is its id.
func (w *Town) Pushes(department string) {
	w.pushKeys = append(w.pushKeys, map[string]any{"department": department, "digest": fmt.Sprintf("sha256:%x", access.DigestKey(department))})
}

// Open starts the process, its log at its most talkative.
func (w *Town) Open() {
	w.Helper()
	for name, s := range w.sources {
		Write(w, s, w.Dir, "sources", name+".yaml")
	}
	w.Process = Launch(w, "run", "--config", Write(w, map[string]any{
		"catalogue":  w.Catalogue,
		"sources":    filepath.Join(w.Dir, "sources"),
		"access":     Write(w, map[string]any{"applications": w.Applications}, w.Dir, "access.yaml"),
		"keys":       map[string]any{"file": KeyFile(w, w.Dir)},
		"bus":        map[string]any{"embedded": map[string]any{"listen": w.Kafka, "data": w.Data}},
		"registry":   map[string]any{"listen": w.Registry},
		"push":       map[string]any{"listen": w.Push, "keys": Write(w, map[string]any{"keys": w.pushKeys}, w.Dir, "push-keys.yaml")},
		"processors": map[string]any{"instance": "town"},
		"gateway":    map[string]any{"listen": w.Gateway, "redis": w.Redis},
		"admin":      map[string]any{"listen": w.Admin},
		"log":        map[string]any{"level": "debug"},
	}, w.Dir, "yiyuan.yaml"))
	Connect(w, w.Process, []string{w.Kafka}, "").Close()
}

// Answer is what an HTTP server said, all of it.
type Answer struct {
	Status     int
	Head, Body string
}

// Ask sends a request; a server that does not answer yet answers 0.
func (w *Town) Ask(method, url, key, purpose, body string) Answer {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, url, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if purpose != "" {
		req.Header.Set("X-Purpose", purpose)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Process.Alive()
	}
	return Reply(res, err)
}

// Reply reads what came back on a request.
func Reply(res *http.Response, err error) Answer {
	if err != nil {
		return Answer{Body: WithoutURL(err).Error()}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{Body: err.Error()}
	}
	return Answer{res.StatusCode, fmt.Sprint(res.Header), string(b)}
}

// File drops a file into the folder of the file source.
func (w *Town) File(name, content string) {
	w.Helper()
	if err := os.WriteFile(filepath.Join(w.Drop, name), []byte(content), 0o600); err != nil {
		w.Fatal(err)
	}
}
