package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/doctor"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings/settingstest"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// hall is a bus to which processes come with catalogue folders.
type hall struct {
	testing.TB
	broker *embedded.Broker
	keys   *keyring.Keyring
}

func newHall(t testing.TB) *hall {
	t.Helper()
	broker, err := embedded.Start(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	return &hall{t, broker, e2e.Keys(t)}
}

// folder is a copy of the sample city with an edit of one file, or as it is.
func (h *hall) folder(file, old, text string) string {
	h.Helper()
	w := &e2e.Town{TB: h, Catalogue: filepath.Join(h.TempDir(), "catalogue")}
	if err := os.CopyFS(w.Catalogue, yunling.Files()); err != nil {
		h.Fatal(err)
	}
	if file != "" {
		w.Edit(file, old, text)
	}
	return w.Catalogue
}

// withView is a copy of the sample city with another view.
func (h *hall) withView(name string) string {
	h.Helper()
	return h.folder("datasets/GA01.yaml", "\nviews:\n", "\nviews:\n  "+name+": {title: 出生, fields: [GMSFHM, CSRQ]}\n")
}

// comes starts a process as far as it is bound to the bus.
func (h *hall) comes(folder string, log io.Writer) (*process.Process, error) {
	h.Helper()
	cfg := settings.Default()
	cfg.Bus.Brokers, cfg.Catalogue, cfg.Keys.File, cfg.Bus.Partitions = h.broker.Addrs(), folder, "keys.yaml", 1
	a, err := process.New(h.Context(), cfg, h.keys, slog.New(slog.NewTextHandler(log, nil)))
	if err == nil {
		h.Cleanup(a.Close)
	}
	return a, err
}

func (h *hall) must(folder string) *process.Process {
	h.Helper()
	a, err := h.comes(folder, io.Discard)
	if err != nil {
		h.Fatal(err)
	}
	return a
}

// applies runs apply over a folder.
func (h *hall) applies(folder string, in io.Reader, how applying) (string, error) {
	h.Helper()
	p := planner{file: "", brokers: h.broker.Addrs(), folder: folder}
	var out bytes.Buffer
	err := p.apply(h.Context(), in, &out, io.Discard, how)
	return out.String(), err
}

func (h *hall) version(folder string) string {
	h.Helper()
	cat, err := wiring.Catalogue(folder)
	if err != nil {
		h.Fatal(err)
	}
	return cat.Version
}

func has(cat *schemas.Catalogue, view string) bool {
	_, err := cat.View(view)
	return err == nil
}

// states are the catalogues that a process knows, by what they are.
func states(t testing.TB, a *process.Process) map[string]string {
	t.Helper()
	families, err := a.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range families {
		if f.GetName() != "yiyuan_process_catalogue_state" {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := prometheus.Labels{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if out[labels["which"]] != "" {
				t.Errorf("two versions of %s", labels["which"])
			}
			out[labels["which"]] = labels["version"]
		}
	}
	return out
}

// An edited folder shows nobody anything at a restart: only apply does, and what runs
// says that it is to be started again.
func TestFolderIsNotInForce(t *testing.T) {
	settingstest.Bare(t)
	h := newHall(t)
	published, edited := h.folder("", "", ""), h.withView("ages")
	was, is := h.version(published), h.version(edited)
	if a := h.must(published); a.Catalogue.Version != was || states(t, a)[process.CatalogueFolder] != was {
		t.Fatalf("the first process runs %s, want its own folder, %s", a.Catalogue.Version, was)
	}
	var log bytes.Buffer
	a, err := h.comes(edited, &log)
	if err != nil {
		t.Fatal(err)
	}
	if has(a.Catalogue, "GA01.ages") || a.Catalogue.Version != was {
		t.Errorf("an edited folder shows GA01.ages without apply: %s runs", a.Catalogue.Version)
	}
	if got := states(t, a); got[process.CatalogueRuns] != was || got[process.CatalogueInForce] != was || got[process.CatalogueFolder] != is {
		t.Errorf("the process says %v", got)
	}
	if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "folder_version="+is) {
		t.Errorf("the difference is not told: %s", log.String())
	}
	if _, err := a.Bus.Partitions(t.Context(), contract.Shared("GA01.ages")); err == nil {
		t.Error("the topic of the new view is there")
	}
	// Whoever may ask the new view waits for it to be in force: check says the file is well,
	// which the next start would refuse, so both say what comes first.
	dir := t.TempDir()
	e2e.Write(t, map[string]any{"applications": []any{map[string]any{
		"id": "MZ-DBHD", "title": "低保核对", "department": "MZ", "key_digest": fmt.Sprintf("sha256:%x", access.DigestKey("key")),
		"grants": []any{map[string]any{"view": "GA01.ages", "fields": []string{access.AllFields}, "purposes": []string{"DBHD"}}},
	}}}, dir, "access.yaml")
	grants := filepath.Join(dir, "access.yaml")
	if err := process.AccessAhead(grants, a.Catalogue, process.ReadFolder(edited).Catalogue); err == nil || !strings.Contains(err.Error(), "catalogue "+is+", but "+was+" is in force") {
		t.Errorf("grants of a view that is not in force: %v", err)
	}
	if err := process.AccessAhead(grants, a.Catalogue, a.Catalogue); err != nil {
		t.Errorf("what fits nothing waits for nothing: %v", err)
	}
	config := filepath.Join(dir, "yiyuan.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "catalogue: %q\naccess: %q\nkeys: {file: %q}\nbus: {brokers: [%q], partitions: 1}\nregistry: {listen: \"\"}\n", edited, grants, e2e.KeyFile(t, dir), h.broker.Addrs()[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := settings.Load(config, settings.RoleGateway)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Run(t.Context(), cfg, "test"); err == nil || !strings.Contains(err.Error(), "look at yiyuan plan and run yiyuan apply first") {
		t.Errorf("a gateway started with grants of a view that is not in force: %v", err)
	}
	found := doctor.Examine(t.Context(), config, nil)
	if !slices.ContainsFunc(found, func(f doctor.Finding) bool {
		return f.Check == "access" && f.Grade == doctor.Problem && strings.Contains(f.Do, "yiyuan apply")
	}) {
		t.Error("doctor does not say that the grants wait for apply")
	}
	told := slices.IndexFunc(found, func(f doctor.Finding) bool { return f.Check == "catalogue.in_force" })
	if told < 0 || found[told].Grade != doctor.Warning || !strings.Contains(found[told].What, is+" is not in force; "+was+" is,") {
		t.Errorf("doctor says %+v", found)
	}
	if slices.ContainsFunc(found, func(f doctor.Finding) bool { return f.Check != "access" && strings.Contains(f.What, "GA01.ages") }) {
		t.Errorf("doctor goes by the folder, and misses what it would bring: %+v", found)
	}

	ctx, stop := context.WithCancel(t.Context())
	watched := make(chan error, 1)
	go func() { watched <- a.WatchCatalogue(ctx) }()
	out, err := h.applies(edited, nil, applying{yes: true, by: "张工"})
	if err != nil || !strings.Contains(out, "newly exposed GA01.ages.CSRQ (year)") {
		t.Fatalf("apply = %v\n%s", err, out)
	}
	e2e.Await(t, "the running process says so", func() string {
		if got := states(t, a); got[process.CatalogueInForce] != is || got[process.CatalogueRuns] != was {
			return got[process.CatalogueInForce]
		}
		return ""
	})
	stop()
	<-watched
	if b := h.must(published); !has(b.Catalogue, "GA01.ages") || b.Catalogue.Version != is {
		t.Errorf("after apply %s runs, want %s", b.Catalogue.Version, is)
	}
	if b := h.must(edited); b.Catalogue.Version != is || states(t, b)[process.CatalogueFolder] != is {
		t.Errorf("after apply %s runs, want %s", b.Catalogue.Version, is)
	}
}

// A folder that is wrong stops nobody while another is in force, and starts nothing.
func TestBrokenFolder(t *testing.T) {
	h := newHall(t)
	broken := h.folder("datasets/GA01.yaml", "element: id_number", "element: nothing")
	if _, err := h.comes(broken, io.Discard); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Fatalf("a first process with a broken folder: %v", err)
	}
	good := h.must(h.folder("", "", "")).Catalogue.Version
	if a := h.must(broken); a.Catalogue.Version != good || states(t, a)[process.CatalogueFolder] != "broken" {
		t.Errorf("with a broken folder %s runs, it says %v", a.Catalogue.Version, states(t, a))
	}
	if _, err := h.applies(broken, nil, applying{yes: true}); err == nil {
		t.Error("a broken folder is applied")
	}
}

// asked answers a question, and does something before.
type asked struct {
	before func()
	answer io.Reader
}

func (a *asked) Read(b []byte) (int, error) {
	if a.before != nil {
		a.before()
		a.before = nil
	}
	return a.answer.Read(b)
}

// Of two applies at the same time one wins, and the other is told which and whose.
func TestTwoAppliesAtOnce(t *testing.T) {
	h := newHall(t)
	h.must(h.folder("", "", ""))
	one, other := h.withView("ages"), h.withView("births")
	_, err := h.applies(one, &asked{func() {
		if _, err := h.applies(other, nil, applying{yes: true, by: "李工"}); err != nil {
			t.Error(err)
		}
	}, strings.NewReader("yes\n")}, applying{by: "张工"})
	if err == nil || !strings.Contains(err.Error(), h.version(other)+" 已由 李工 于 ") || !strings.Contains(err.Error(), "run yiyuan plan again") {
		t.Errorf("the second to come: %v", err)
	}
	if a := h.must(one); !has(a.Catalogue, "GA01.births") || has(a.Catalogue, "GA01.ages") {
		t.Errorf("%s is in force, want the first to come", a.Catalogue.Version)
	}
	if _, err := h.applies(one, nil, applying{yes: true, from: h.version("")}); err == nil {
		t.Error("a plan for what is no longer in force is applied")
	}

	// Without anybody looking between: all of them at the same instant.
	folders := []string{h.withView("a"), h.withView("b"), h.withView("c")}
	errs := make([]error, len(folders))
	var wait sync.WaitGroup
	for i, dir := range folders {
		wait.Go(func() { _, errs[i] = h.applies(dir, nil, applying{yes: true, from: h.version(other)}) })
	}
	wait.Wait()
	won, now := 0, h.must(other).Catalogue.Version
	for i, dir := range folders {
		switch {
		case errs[i] == nil && h.version(dir) == now:
			won++
		case errs[i] == nil || h.version(dir) == now:
			t.Errorf("apply of %s = %v, in force is %s", h.version(dir), errs[i], now)
		}
	}
	if won != 1 {
		t.Errorf("%d won: %v", won, errs)
	}
}

// What is refused in one step is refused in two: a field that was given up does not come
// back as another, for the registry has its schema and no process would start any more.
func TestOnceInForceBinds(t *testing.T) {
	h := newHall(t)
	with := func(element string) string {
		return h.folder("datasets/GA01.yaml", "\nfields:\n", "\nfields:\n  - {name: BZ, title: 备注, element: "+element+", nullable: true}\n")
	}
	text, date := with("text"), with("date")
	h.must(text)
	if out, err := h.applies(h.folder("", "", ""), nil, applying{yes: true}); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := h.applies(date, nil, applying{yes: true})
	if err == nil || !strings.Contains(out, h.version(text)) || !strings.Contains(out, "GA01") {
		t.Errorf("another type: %v\n%s", err, out)
	}
	if out, err := h.applies(text, nil, applying{yes: true}); err != nil {
		t.Errorf("as it was: %v\n%s", err, out)
	}
}

// Processes that come to a new bus at the same time agree whose catalogue is in force.
func TestFirstCatalogue(t *testing.T) {
	h := newHall(t)
	folders := []string{h.folder("", "", ""), h.withView("ages"), h.withView("births"), ""}
	apps, errs := make([]*process.Process, len(folders)), make([]error, len(folders))
	var wait sync.WaitGroup
	for i, dir := range folders {
		wait.Go(func() { apps[i], errs[i] = h.comes(dir, io.Discard) })
	}
	wait.Wait()
	for i, a := range apps {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if a.Catalogue.Version != apps[0].Catalogue.Version {
			t.Errorf("process %d runs %s, another %s", i, a.Catalogue.Version, apps[0].Catalogue.Version)
		}
	}
}

// A build with another sample city puts its own in force, over another build's, but
// never over a city's own catalogue.
func TestSampleCityFollowsItsBuild(t *testing.T) {
	h := newHall(t)
	first := h.must("")
	earlier := process.ReadFolder(h.withView("ages"))
	earlier.Sample = true
	if _, err := process.Apply(t.Context(), first.Bus, &earlier, first.Catalogue.Version, "an earlier build"); err != nil {
		t.Fatal(err)
	}
	if a := h.must(""); a.Catalogue.Version != first.Catalogue.Version {
		t.Errorf("%s runs, want this build's sample city", a.Catalogue.Version)
	}
	own := h.withView("births")
	if _, err := h.applies(own, nil, applying{yes: true}); err != nil {
		t.Fatal(err)
	}
	if a := h.must(""); a.Catalogue.Version != h.version(own) {
		t.Errorf("%s runs: the sample city took the place of a city's catalogue", a.Catalogue.Version)
	}
}

// What the topic cannot take is refused in words, before anything is written.
func TestCatalogueTooLarge(t *testing.T) {
	h := newHall(t)
	a := h.must("")
	large := process.ReadFolder("")
	large.Files = noise{large.Files}
	if _, err := process.Apply(t.Context(), a.Bus, &large, a.Catalogue.Version, ""); err == nil || !strings.Contains(err.Error(), "the catalogue is too large for the topic catalogue even compressed") {
		t.Errorf("apply = %v", err)
	}
	if f, err := process.ReadInForce(t.Context(), a.Bus, a.Bus.Replay); err != nil || f.Version != a.Catalogue.Version {
		t.Errorf("in force is %q, %v", f.Version, err)
	}
}

// And so do check, plan and doctor say it, before anybody starts or applies anything: with the size and the limit.
func TestCatalogueTooLargeIsToldBefore(t *testing.T) {
	h := newHall(t)
	folder := h.folder("", "", "")
	files, err := filepath.Glob(filepath.Join(folder, "datasets", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2)) // must not compress
	for _, file := range files[:8] {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := make([]byte, 600); len(text) < 200_000; {
			for i := range line {
				line[i] = byte(random.Uint32())
			}
			text = fmt.Appendf(text, "# %s\n", base64.StdEncoding.EncodeToString(line))
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	told := regexp.MustCompile(`目录过大：压缩后在主题 catalogue 中占 \d{6,7} 字节，最多 950000 字节。.+ / the catalogue is too large for the topic catalogue even compressed: \d{6,7} bytes, at most 950000\. Take .+, or split it`)
	if broken := process.ReadFolder(folder).Broken; broken == nil || !told.MatchString(broken.Error()) {
		t.Errorf("ReadFolder = %.300v", broken)
	}
	for _, args := range [][]string{{"check", "--catalogue", folder}, {"plan", "--catalogue", folder, "--against", folder}} {
		root := newRoot()
		root.SetArgs(args)
		root.SetOut(io.Discard)
		if code, said := ended(root.ExecuteContext(t.Context())); code != exit.Problems || !told.MatchString(said) {
			t.Errorf("%s = %d, %.300s", args[0], code, said)
		}
	}
	t.Setenv("YIYUAN_CATALOGUE", folder)
	found := doctor.Examine(t.Context(), "", nil)
	if last := found[len(found)-1]; last.Check != "catalogue" || !told.MatchString(last.What) {
		t.Errorf("doctor = %.300v", last)
	}
}

// noise is a folder whose files do not compress.
type noise struct{ fs.FS }

func (n noise) ReadFile(name string) ([]byte, error) {
	text, err := fs.ReadFile(n.FS, name)
	seed := uint64(len(name)) + 88172645463325252
	for range 20_000 {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
		text = append(text, byte(seed), byte(seed>>8), byte(seed>>16), byte(seed>>24))
	}
	return text, err
}
