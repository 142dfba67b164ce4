// Command landed makes the fixture of a bus as the first release, commit 9b9126b, left
// it: its configuration and catalogue, the folders of its broker and of its state, its
// drop folders, all that was ever delivered to it, and a dump of its topics that can be
// replayed into Kafka. It is run by the script make beside it:
//
//	landed BINARY CATALOGUE OUT.tar.gz
//
// The release is driven from outside only. In the end it is killed where its faults
// showed: claims of an old file are written and not yet resolved.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: landed BINARY CATALOGUE OUT.tar.gz")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	err := build(ctx, os.Args[1], os.Args[2], os.Args[3])
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "landed:", err)
		os.Exit(1)
	}
}

// release is the running one.
type release struct {
	dir         string // what becomes the fixture
	kafka, push string
	cmd         *exec.Cmd
	done        chan error
	deliveries  []delivery
}

// delivery is what a department handed over at once, in the spelling it used.
type delivery struct {
	Source  string              `json:"source"`
	Dataset string              `json:"dataset"`
	Replace bool                `json:"replace,omitempty"` // it is the whole table
	Delete  bool                `json:"delete,omitempty"`  // the rows are gone
	Key     string              `json:"key,omitempty"`     // of idempotency
	Name    string              `json:"name,omitempty"`    // of the file
	Rows    []map[string]string `json:"rows"`
	Bad     []int               `json:"bad,omitempty"` // rows that are to be refused, by index
}

func build(ctx context.Context, binary, catalogue, out string) (err error) {
	work, err := os.MkdirTemp("", "landed-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	r := &release{dir: filepath.Join(work, "city"), done: make(chan error, 1)}
	if r.kafka, err = free(); err != nil {
		return err
	}
	if r.push, err = free(); err != nil {
		return err
	}
	if err := r.layOut(catalogue); err != nil {
		return err
	}
	run, err := r.configure(work)
	if err != nil {
		return err
	}
	if err := r.start(binary, run); err != nil {
		return err
	}
	defer r.kill()
	if err := r.live(ctx); err != nil {
		return err
	}
	r.kill()
	made, err := r.made()
	if err != nil {
		return err
	}
	if err := r.write("deliveries.jsonl", append([]delivery{made}, r.deliveries...)); err != nil {
		return err
	}
	if err := dump(ctx, filepath.Join(r.dir, "broker"), filepath.Join(work, "copy"), filepath.Join(r.dir, "topics.jsonl")); err != nil {
		return err
	}
	return pack(r.dir, out)
}

func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// The texts between @ are put in by whoever runs the city.
const configuration = `catalogue: "@DIR@/catalogue"
sources: "@DIR@/sources"
access: "@DIR@/access.yaml"
keys: {file: "@DIR@/keys.yaml"}
bus: @BUS@
registry: {listen: "@REGISTRY@"}
push: {listen: "@PUSH@", keys: "@DIR@/push-keys.yaml"}
processors: {dir: "@DIR@/state", instance: landed}
gateway: {listen: "@GATEWAY@"}
admin: {listen: "@ADMIN@"}
`

// layOut writes what a city needs before its first start.
func (r *release) layOut(catalogue string) error {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	digest := func(key string) string { return fmt.Sprintf("sha256:%x", access.DigestKey(key)) }
	grant := func(view string) string { return `{view: ` + view + `, fields: ["*"], purposes: [SUPERVISE]}` }
	key := base64.StdEncoding.EncodeToString([]byte("a key of the tests, 32 bytes long"))
	for name, text := range map[string]string{
		"yiyuan.yaml":           configuration,
		"keys.yaml":             "suite: intl\ncurrent: 1\nkeys: {1: " + key + "}\n",
		"push-keys.yaml":        "keys: [{department: RS, digest: \"" + digest("RS") + "\"}]\n",
		"access.yaml":           "applications:\n  - {id: SJ, title: SJ, department: SJ, key_digest: \"" + digest("SJ") + "\", purposes: [SUPERVISE], grants: [" + grant("SC01.clear") + ", " + grant("person.partial") + "]}\n",
		"sources/ga-files.yaml": "source: ga-files\nkind: file\ndatasets: [GA01]\noptions: {dir: \"@DIR@/drop/ga\", settle: 200ms, poll: 100ms}\n",
		"sources/sc-files.yaml": "source: sc-files\nkind: file\ndatasets: [SC01]\noptions: {dir: \"@DIR@/drop/sc\", mode: replace, wait: marker, poll: 100ms}\n",
		"sources/rs-push.yaml":  "source: rs-push\nkind: push\ndatasets: [RS02]\n",
		"sources/cl-live.yaml":  "source: cl-live\nkind: synthetic\ndatasets: [CL01]\noptions: {seed: 5, size: tiny, base: 2026-11-22, calm: true, end: true, truth: \"@DIR@/truth.jsonl\", rows: true}\n",
		"drop/ga/.keep":         "", "drop/sc/.keep": "",
	} {
		path := filepath.Join(r.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return os.CopyFS(filepath.Join(r.dir, "catalogue"), os.DirFS(catalogue))
}

// configure fills the texts in, beside the fixture.
func (r *release) configure(work string) (config string, err error) {
	fill := strings.NewReplacer("@DIR@/sources", work+"/sources", "@DIR@", r.dir, "@REGISTRY@", "", "@ADMIN@", "", "@GATEWAY@", "127.0.0.1:0", "@PUSH@", r.push,
		"@BUS@", fmt.Sprintf("{partitions: 2, embedded: {listen: %q, data: %q}}", r.kafka, r.dir+"/broker"))
	for _, name := range []string{"yiyuan.yaml", "sources/ga-files.yaml", "sources/sc-files.yaml", "sources/rs-push.yaml", "sources/cl-live.yaml"} {
		text, err := os.ReadFile(filepath.Join(r.dir, name))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(work, name)), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(work, name), []byte(fill.Replace(string(text))), 0o600)
		}
		if err != nil {
			return "", err
		}
	}
	return filepath.Join(work, "yiyuan.yaml"), nil
}

func (r *release) start(binary, config string) error {
	r.cmd = exec.Command(binary, "run", "--config", config)
	r.cmd.Stderr = os.Stderr
	if err := r.cmd.Start(); err != nil {
		return err
	}
	go func() { r.done <- r.cmd.Wait(); close(r.done) }()
	return nil
}

func (r *release) kill() {
	_ = r.cmd.Process.Kill() // it may have ended
	<-r.done
}

// live has the city live for a while.
func (r *release) live(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(r.kafka))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for _, d := range story() {
		if err := r.deliver(ctx, d); err != nil {
			return fmt.Errorf("%s: %w", d.Source, err)
		}
	}
	if err := until(ctx, 100*time.Millisecond, func() (bool, error) {
		behind, err := lag(ctx, admin, "route", "resolve.person", "resolve.enterprise", "resolve.birth", "resolve.address")
		return behind == 0, err
	}); err != nil {
		return err
	}
	if err := r.deliver(ctx, last()); err != nil {
		return err
	}
	return until(ctx, 0, func() (bool, error) { // to be killed as soon as there are claims that nobody has resolved
		behind, err := lag(ctx, admin, "resolve.person")
		return behind > 5, err
	})
}

// lag is how much groups have still to do; -1 before they have all begun.
func lag(ctx context.Context, admin *kadm.Client, groups ...string) (int64, error) {
	lags, err := admin.Lag(ctx, groups...)
	if err != nil {
		return -1, nil //nolint:nilerr // the broker may not be there yet
	}
	n := int64(0)
	for _, g := range groups {
		l, ok := lags[g]
		if !ok || l.Error() != nil || len(l.Lag) == 0 {
			return -1, nil
		}
		n += l.Lag.Total()
	}
	return n, nil
}

func until(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(every):
		}
	}
}

// deliver hands something over and waits until the city has it, but for the last file.
func (r *release) deliver(ctx context.Context, d delivery) error {
	r.deliveries = append(r.deliveries, d)
	if d.Name == "" {
		return until(ctx, 200*time.Millisecond, func() (bool, error) { return r.send(ctx, d) })
	}
	folder := filepath.Join(r.dir, "drop", strings.TrimSuffix(d.Source, "-files"))
	path := filepath.Join(folder, d.Name)
	if err := os.WriteFile(path+".tmp", csv(d.Rows), 0o600); err != nil {
		return err
	}
	old := time.Now().Add(-60 * 24 * time.Hour)
	if err := errors.Join(os.Chtimes(path+".tmp", old, old), os.Rename(path+".tmp", path)); err != nil {
		return err
	}
	if d.Replace {
		if err := os.WriteFile(path+".done", nil, 0o600); err != nil {
			return err
		}
	}
	return until(ctx, 5*time.Millisecond, func() (bool, error) {
		if refused, _ := filepath.Glob(filepath.Join(folder, "rejected", "*"+d.Name+".reason")); len(refused) > 0 {
			why, err := os.ReadFile(refused[0])
			return false, errors.Join(fmt.Errorf("file %s was refused: %s", d.Name, why), err)
		}
		taken, err := filepath.Glob(filepath.Join(folder, "*", "*"+d.Name))
		if d.Name == last().Name {
			return len(taken) > 0, err
		}
		for _, t := range taken {
			if strings.Contains(t, "/done/") {
				return true, nil
			}
		}
		return false, err
	})
}

// send pushes; a push that comes before its source is open is told to wait.
func (r *release) send(ctx context.Context, d delivery) (bool, error) {
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
		return false, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.push+"/v1/push/"+d.Dataset, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Authorization", "Bearer RS")
	req.Header.Set("Idempotency-Key", d.Key)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, nil //nolint:nilerr // not listening yet
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return false, err
	case res.StatusCode == http.StatusOK:
		return true, nil
	case res.StatusCode == http.StatusServiceUnavailable, res.StatusCode == http.StatusTooManyRequests:
		return false, nil
	}
	return false, fmt.Errorf("push: %d %s", res.StatusCode, said)
}

// made is what the synthetic source said, by its own account, which is far longer.
func (r *release) made() (delivery, error) {
	d := delivery{Source: "cl-live", Dataset: "CL01"}
	path := filepath.Join(r.dir, "truth.jsonl")
	f, err := os.Open(path)
	if err != nil {
		return d, err
	}
	defer f.Close()
	decoder := json.NewDecoder(f)
	for {
		var l struct {
			Type, Phase, Dataset string
			Fields               map[string]any
		}
		if err := decoder.Decode(&l); errors.Is(err, io.EOF) {
			return d, os.Remove(path)
		} else if err != nil {
			return d, err
		}
		if l.Type != "row" || l.Phase != "before" || l.Dataset != d.Dataset {
			continue
		}
		row := map[string]string{}
		for name, v := range l.Fields {
			if v != nil {
				row[name] = fmt.Sprint(v)
			}
		}
		d.Rows = append(d.Rows, row)
	}
}

func (r *release) write(name string, all []delivery) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	for _, one := range all {
		if err := encoder.Encode(one); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(r.dir, name), b.Bytes(), 0o600)
}

// pack makes the archive.
func pack(dir, out string) (err error) {
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	zip, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(zip)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		h := &tar.Header{Name: strings.TrimPrefix(path, dir+"/"), Mode: int64(info.Mode().Perm()), ModTime: info.ModTime(), Typeflag: tar.TypeReg, Size: info.Size()}
		if d.IsDir() {
			h.Typeflag, h.Size = tar.TypeDir, 0
		}
		if err := archive.WriteHeader(h); err != nil || d.IsDir() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(archive, file)
		return errors.Join(err, file.Close())
	})
	return errors.Join(err, archive.Close(), zip.Close())
}
