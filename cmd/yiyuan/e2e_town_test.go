package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// town is a whole bus in one process beside the test, with the embedded broker,
// a catalogue folder of its own, and sources that the test feeds.
type town struct {
	testing.TB
	dir, catalogue, drop     string
	kafka, gateway, registry string
	push, admin, redis       string
	data                     string // of the embedded broker, "" = gone with the process
	process                  *process
	sources                  map[string]any
	applications, pushKeys   []any
}

// found lays a town out: a copy of the sample city's catalogue, nothing else.
func found(t testing.TB) *town {
	t.Helper()
	dir := t.TempDir()
	w := &town{
		TB: t, dir: dir, sources: map[string]any{}, catalogue: filepath.Join(dir, "catalogue"), drop: filepath.Join(dir, "drop"),
		kafka: freePort(t), gateway: freePort(t), registry: freePort(t), push: freePort(t), admin: freePort(t),
	}
	if err := os.CopyFS(w.catalogue, yunling.Files()); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(w.drop, 0o700); err != nil {
		t.Fatal(err)
	}
	return w
}

// edit replaces a text of a catalogue file, which must be there.
func (w *town) edit(file, old, text string) {
	w.Helper()
	path := filepath.Join(w.catalogue, file)
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

// grants lets an application, whose key is its name, look views up for a purpose.
func (w *town) grants(name, department, purpose string, views ...string) {
	grants := make([]any, len(views))
	for i, v := range views {
		grants[i] = map[string]any{"view": v, "fields": []string{access.AllFields}, "purposes": []string{purpose}}
	}
	w.applications = append(w.applications, map[string]any{
		"id": name, "title": name, "department": department, "purposes": []string{purpose},
		"key_digest": fmt.Sprintf("sha256:%x", access.DigestKey(name)), "grants": grants,
	})
}

// binds adds a source.
func (w *town) binds(name, kind string, options map[string]any, datasets ...string) {
	source := map[string]any{"source": name, "kind": kind, "datasets": datasets}
	if options != nil {
		source["options"] = options
	}
	w.sources[name] = source
}

// pushes lets a department push with a key, which is its id.
func (w *town) pushes(department string) {
	w.pushKeys = append(w.pushKeys, map[string]any{"department": department, "digest": fmt.Sprintf("sha256:%x", access.DigestKey(department))})
}

// open starts the process, its log at its most talkative.
func (w *town) open() {
	w.Helper()
	for name, s := range w.sources {
		write(w, s, w.dir, "sources", name+".yaml")
	}
	w.process = launch(w, "run", "--config", write(w, map[string]any{
		"catalogue":  w.catalogue,
		"sources":    filepath.Join(w.dir, "sources"),
		"access":     write(w, map[string]any{"applications": w.applications}, w.dir, "access.yaml"),
		"keys":       map[string]any{"file": keyFile(w, w.dir)},
		"bus":        map[string]any{"embedded": map[string]any{"listen": w.kafka, "data": w.data}},
		"registry":   map[string]any{"listen": w.registry},
		"push":       map[string]any{"listen": w.push, "keys": write(w, map[string]any{"keys": w.pushKeys}, w.dir, "push-keys.yaml")},
		"processors": map[string]any{"instance": "town"},
		"gateway":    map[string]any{"listen": w.gateway, "redis": w.redis},
		"admin":      map[string]any{"listen": w.admin},
		"log":        map[string]any{"level": "debug"},
	}, w.dir, "yiyuan.yaml"))
	connect(w, w.process, []string{w.kafka}, "").Close()
}

// answer is what an HTTP server said, all of it.
type answer struct {
	status     int
	head, body string
}

// ask sends a request; a server that does not answer yet answers 0.
func (w *town) ask(method, url, key, purpose, body string) answer {
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
		w.process.alive()
	}
	return reply(res, err)
}

// reply reads what came back on a request.
func reply(res *http.Response, err error) answer {
	if err != nil {
		return answer{body: terminal.WithoutURL(err).Error()}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{body: err.Error()}
	}
	return answer{res.StatusCode, fmt.Sprint(res.Header), string(b)}
}

// file drops a file into the folder of the file source.
func (w *town) file(name, content string) {
	w.Helper()
	if err := os.WriteFile(filepath.Join(w.drop, name), []byte(content), 0o600); err != nil {
		w.Fatal(err)
	}
}
