package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/push"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// demoOptions are the demonstration's flags.
type demoOptions struct {
	seed    int64
	size    string
	rate    int
	data    string
	listen  string
	base    string
	lasting time.Duration
	json    bool
	verbose bool

	correctAfter, correctEvery time.Duration
}

func demoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "示例城市云岭市，一个进程跑起全部 / the sample city live in one process",
		Long: `用内置消息代理和缓存跑起示例城市：13 个部门实时产生变更，经接入、归集、核验、脱敏，一秒内可查。
Runs the sample city on the embedded broker and cache: thirteen departments produce changes,
which are routed, resolved, verified, masked and answered within the second. All data is made up.`,
		Example: `  yiyuan demo
  yiyuan demo --seed 7 --size tiny --listen 127.0.0.1:8080 --for 5m
  yiyuan demo --json        # one line for programs once it is ready`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if o.lasting > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, o.lasting)
				defer cancel()
			}
			return demo(ctx, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.Int64Var(&o.seed, "seed", 1, "种子：同一种子同一座城 / the same seed is the same city")
	f.StringVar(&o.size, "size", world.Tiny, "规模 / size: tiny (2 000 人) city (600 000) big (3 000 000)")
	f.IntVar(&o.rate, "rate", 50, "首轮之后每秒变更数 / changes a second after the first copy")
	f.StringVar(&o.data, "data", "", "数据目录，留空则退出即清 / folder to keep everything in; empty = gone at the end")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "网关和控制台地址 / address of gateway and console")
	f.StringVar(&o.base, "base", "", "城市的“今天”：只能是当天，或所留城市开始的那天，其他一律拒绝 / the city's today: only today, or the day a kept city was begun on; any other is refused")
	f.DurationVar(&o.lasting, "for", 0, "运行多久后自动结束 / end by itself after")
	f.BoolVar(&o.json, "json", false, "就绪后打印一行 JSON,供程序使用 / print one JSON line once ready")
	f.BoolVar(&o.verbose, "verbose", false, "打印运行日志 / print the log")
	f.DurationVar(&o.correctAfter, "correct-after", time.Minute, "多久后部门开始更正 / when departments begin to correct")
	f.DurationVar(&o.correctEvery, "correct-every", 2*time.Second, "更正间隔 / how far corrections are apart")
	return cmd
}

// demo runs the city until ctx ends.
func demo(ctx context.Context, o demoOptions, out, talk io.Writer) error {
	began := time.Now()
	dir, err := o.folder()
	if err != nil {
		return err
	}
	if o.data == "" {
		defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder, the system clears it too
	}
	log := slog.New(slog.DiscardHandler)
	if o.verbose {
		log = slog.New(slog.NewTextHandler(talk, nil))
	}
	keys, err := demoKeys(dir)
	if err != nil {
		return err
	}
	a, err := process.New(ctx, o.config(ctx, dir), keys, log)
	if err != nil {
		return err
	}
	defer a.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a.Group, ctx = errgroup.WithContext(ctx)
	c := &city{app: a, options: o, dir: dir, truth: filepath.Join(dir, "truth.jsonl")}
	if err := c.start(ctx); err != nil {
		stop()
		return errors.Join(err, a.Group.Wait())
	}
	if err := c.present(ctx, began, out, talk); err != nil && ctx.Err() == nil {
		stop()
		return errors.Join(err, a.Group.Wait())
	}
	err = a.Group.Wait()
	if !o.json {
		_, _ = fmt.Fprintln(talk, "已结束 / ended") // the terminal may be gone
	}
	return err
}

// folder makes the data folder.
func (o demoOptions) folder() (string, error) {
	if o.data == "" {
		dir, err := os.MkdirTemp("", "yiyuan-demo-")
		if err != nil {
			return "", fmt.Errorf("make a temporary folder: %w", err)
		}
		return dir, nil
	}
	if err := os.MkdirAll(o.data, 0o700); err != nil {
		return "", fmt.Errorf("数据目录建不了 / make data folder: %w", err)
	}
	dir, err := filepath.Abs(o.data)
	if err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	return dir, nil
}

// config is the process configuration of a demonstration: everything embedded.
func (o demoOptions) config(ctx context.Context, dir string) settings.Config {
	cfg := settings.Default()
	cfg.Bus.Embedded.Listen = freeAddress(ctx, cfg.Bus.Embedded.Listen)
	cfg.Registry.Listen = freeAddress(ctx, cfg.Registry.Listen)
	cfg.Push.Listen = freeAddress(ctx, cfg.Push.Listen)
	cfg.Admin.Listen = freeAddress(ctx, cfg.Admin.Listen)
	cfg.Gateway.Listen = o.listen
	cfg.Gateway.OpenConsole = true
	cfg.Processors.Instance = "demo"
	if o.data != "" {
		cfg.Bus.Embedded.Data = filepath.Join(dir, "broker")
		cfg.Processors.Dir = filepath.Join(dir, "state")
	}
	return cfg
}

// freeAddress returns the preferred address, or one on a free port when that is taken.
func freeAddress(ctx context.Context, preferred string) string {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", preferred)
	if err == nil {
		_ = l.Close() // only asked whether it can be had
		return preferred
	}
	host, _, _ := strings.Cut(preferred, ":")
	return net.JoinHostPort(host, "0")
}

func demoKeys(dir string) (*keyring.Keyring, error) {
	path := filepath.Join(dir, "keys.yaml")
	if _, err := os.Stat(path); err == nil {
		return keyring.Load(path)
	}
	return keyring.Generate(path)
}

// city is a running demonstration.
type city struct {
	app     *process.Process
	options demoOptions
	dir     string
	truth   string

	apps     []gateway.DemoApp
	found    atomic.Pointer[map[string]string] // by samples
	pushKeys map[string]string                 // by department

	gateway, registry, push, admin string
}

// start starts every part. The addresses are known when it returns.
func (c *city) start(ctx context.Context) error {
	a := c.app
	who, err := c.grants()
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", c.options.listen)
	if err != nil {
		return fmt.Errorf("网关端口 %s 打不开，换一个: --listen 127.0.0.1:0 / cannot listen for the gateway, take another: %w", c.options.listen, err)
	}
	c.gateway = "http://" + listener.Addr().String()
	if err := a.RunProcessors(ctx); err != nil {
		return err
	}
	if err := a.RunGateway(ctx, gateway.Config{Listener: listener, DemoApps: c.apps, DemoSamples: c.sampled}, who, nil); err != nil {
		return err
	}
	cfgs, keys, err := c.sources(ctx)
	if err != nil {
		return err
	}
	if err := c.renew(ctx); err != nil {
		return err
	}
	members, address, err := a.RunConnectors(ctx, cfgs, process.PushAccess{Keys: keys})
	if err != nil {
		return err
	}
	c.push = address
	if c.registry, err = a.ServeRegistry(ctx); err != nil {
		return err
	}
	c.admin, err = a.ServeAdmin(ctx, members)
	return err
}

// sources are the thirteen departments' live systems, a file source for what the
// province gives back, and one push source so that a visitor can correct
// something. It takes YB01, for the tour, and what is not real time.
func (c *city) sources(ctx context.Context) ([]connectors.Config, []push.Key, error) {
	options := synthetic.Options{
		Seed: c.options.seed, Size: c.options.size, Rate: c.options.rate, Correct: true,
		CorrectAfter: c.options.correctAfter, CorrectEvery: c.options.correctEvery, Rows: c.options.size == world.Tiny,
	}
	base, err := c.day(time.Now())
	if err != nil {
		return nil, nil, err
	}
	options.Base = base
	if err := c.writeTruth(options); err != nil {
		return nil, nil, err
	}
	var cfgs []connectors.Config
	var keys []push.Key
	c.pushKeys = map[string]string{}
	var corrected []any // nobody need ever correct anything: no first delivery is awaited
	pushed := connectors.Config{Name: "push", Kind: "push"}
	for _, department := range synthetic.Departments() {
		o := options
		o.Department = department
		live := connectors.Config{Name: strings.ToLower(department) + "-live", Kind: "synthetic", Options: o.Map()}
		for _, d := range c.app.Catalogue.Datasets {
			if d.Provider.ID == department {
				if d.ID != returnedDataset {
					live.Datasets = append(live.Datasets, d)
				}
				if d.Cycle != "realtime" || d.ID == "YB01" {
					pushed.Datasets, corrected = append(pushed.Datasets, d), append(corrected, d.ID)
				}
			}
		}
		cfgs = append(cfgs, live)
		c.pushKeys[department] = "push-" + strings.ToLower(department) + "-" + rand.Text()
		keys = append(keys, push.Key{Department: department, Digest: push.KeyDigest(c.pushKeys[department])})
	}
	pushed.Options = map[string]any{"empty": corrected}
	above, files, err := openProvince(ctx, c.app.Catalogue, options, c.dir)
	if err != nil {
		return nil, nil, err
	}
	c.app.Group.Go(func() error { return above.run(ctx) })
	return append(cfgs, files, pushed), keys, nil
}

// day is the day of the city: today, or, of a city that was kept, the day on which it
// was begun, for its rows and its truth are of that day. Rules go by the machine's
// clock, so no other day can be asked for.
func (c *city) day(now time.Time) (time.Time, error) {
	want, of := synthetic.Today(now), "今天 / today"
	kept, err := synthetic.TruthDay(c.truth)
	if err != nil {
		return kept, err
	}
	if !kept.IsZero() {
		want, of = synthetic.Today(kept), "所留城市开始的那天 / the day on which the kept city was begun"
	}
	if given := c.options.base; given != "" {
		if _, err := time.Parse(time.DateOnly, given); err != nil {
			return kept, exit.With(exit.Usage, fmt.Errorf("--base %q: 应为 / want 2026-11-22", given))
		}
		if given != want {
			return kept, exit.With(exit.Usage, fmt.Errorf("--base: %w", synthetic.OtherDay(given, want, of)))
		}
	}
	return time.ParseInLocation(time.DateOnly, want, schemas.Zone)
}

// renew has the sources of a folder that an earlier build kept read again: its made-up
// city was another, and whatever is not of this one is deleted.
func (c *city) renew(ctx context.Context) error {
	elder := map[string]bool{}
	err := c.app.Bus.Replay(ctx, contract.Sources, func(r bus.Record) error {
		var s contract.SourceStatus
		if err := json.Unmarshal(r.Value, &s); err != nil {
			return nil //nolint:nilerr // it is its owner's to complain
		}
		elder[string(r.Key)] = s.Resync == nil && s.Kind == "synthetic" && synthetic.Elder(schemas.Position(s.Position))
		return nil
	})
	for name, is := range elder {
		if is && err == nil {
			c.app.Log.Warn("示例城市与原来的不同，整个重读 / the made-up city is another than before and read again", "source", name)
			err = connectors.Resync(ctx, c.app.Bus, name, math.MaxInt64)
		}
	}
	if err != nil {
		return fmt.Errorf("renew the city of an earlier build: %w", err)
	}
	return nil
}

func (c *city) writeTruth(o synthetic.Options) error {
	f, err := os.Create(c.truth)
	if err != nil {
		return fmt.Errorf("write truth file: %w", err)
	}
	return errors.Join(synthetic.WriteTruth(f, o), f.Close())
}

// grants makes the demonstration's applications: one for each scenario, and the
// bureau's own.
func (c *city) grants() (*access.Access, error) {
	all := []access.Application{
		{ID: "MZ-GLJT", Title: "高龄津贴静默认证", Department: "MZ", Grants: grantAll("GLJT", "person.alive", "person.verify")},
		{ID: "MZ-DBHD", Title: "低保核对", Department: "MZ", Grants: grantAll("DBHD", "person.relief", "person.partial", "person.verify")},
		{ID: "JY-RXYJS", Title: "入学一件事", Department: "JY", Grants: grantAll("RXYJS", "person.school", "person.verify")},
		{ID: "SP-QYZX", Title: "企业注销一网办", Department: "SP", Grants: grantAll("QYZX", "enterprise.partial", "enterprise.public", "enterprise.verify")},
	}
	bureau := access.Application{ID: "SJ-JDGL", Title: "数据局监督", Department: "SJ", Purposes: []string{"SUPERVISE"}}
	for _, d := range c.app.Catalogue.Datasets {
		for _, v := range d.Views {
			if v.Name == "partial" || (v.Name == "clear" && d.Class == "A") {
				bureau.Grants = append(bureau.Grants, grantAll("SUPERVISE", v.ID)...)
			}
		}
	}
	for _, e := range c.app.Catalogue.Entities {
		for _, v := range e.Views {
			if v.Name == "partial" || v.Name == "public" || v.Name == "explain" {
				bureau.Grants = append(bureau.Grants, grantAll("SUPERVISE", v.ID)...)
			}
		}
	}
	all = append(all, bureau)
	for i := range all {
		key := strings.ToLower(all[i].ID) + "-" + rand.Text()
		all[i].KeyDigest = access.DigestKey(key)
		shown := gateway.DemoApp{ID: all[i].ID, Title: all[i].Title, Key: key, Department: all[i].Department}
		for _, g := range all[i].Grants {
			shown.Views = append(shown.Views, g.View)
		}
		shown.Purposes = purposesOf(all[i])
		c.apps = append(c.apps, shown)
	}
	return access.New(c.app.Catalogue, all)
}

func grantAll(purpose string, views ...string) []access.Grant {
	out := make([]access.Grant, len(views))
	for i, v := range views {
		out[i] = access.Grant{View: v, Fields: []string{access.AllFields}, Purposes: []string{purpose}}
	}
	return out
}

func purposesOf(a access.Application) []string {
	seen := map[string]bool{}
	var out []string
	add := func(all []string) {
		for _, p := range all {
			if !seen[p] {
				seen[p] = true
				out = append(out, p)
			}
		}
	}
	add(a.Purposes)
	for _, g := range a.Grants {
		add(g.Purposes)
	}
	return out
}

// ready is the line for programs.
type ready struct {
	Gateway  string            `json:"gateway"`
	Console  string            `json:"console"`
	Kafka    string            `json:"kafka"`
	Registry string            `json:"registry"`
	Push     string            `json:"push"`
	Admin    string            `json:"admin"`
	Truth    string            `json:"truth"`
	Apps     []gateway.DemoApp `json:"apps"`
	PushKeys map[string]string `json:"push_keys"`
	Samples  map[string]string `json:"samples"`
}

// present waits until the city can be asked, then says how.
func (c *city) present(ctx context.Context, began time.Time, out, talk io.Writer) error {
	if err := c.await(ctx, talk); err != nil {
		return err
	}
	samples, err := c.samples(ctx)
	if err != nil {
		return err
	}
	if c.options.json {
		return json.NewEncoder(out).Encode(ready{
			Gateway: c.gateway, Console: c.gateway + "/", Kafka: strings.Join(c.app.Brokers, ","), Registry: c.registry, Push: c.push, Admin: c.admin,
			Truth: c.truth, Apps: c.apps, PushKeys: c.pushKeys, Samples: samples,
		})
	}
	return c.tour(ctx, time.Since(began), samples, out)
}
