// Package demo is the sample city as a program: one process with its sources, its truth, and a tour for visitors.
package demo

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
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/push"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// Run runs the city until ctx ends.
func Run(ctx context.Context, o Options, out, talk io.Writer) error {
	began := time.Now()
	if !slices.Contains([]string{world.Tiny, world.City, world.Big}, o.Size) {
		return exit.With(exit.Usage, fmt.Errorf("--size %q: 可用 / want %s %s %s", o.Size, world.Tiny, world.City, world.Big))
	}
	dir, err := o.folder()
	if err != nil {
		return err
	}
	if o.Data == "" {
		defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder, the system clears it too
	}
	log := slog.New(slog.DiscardHandler)
	if o.Verbose {
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
	if !o.JSON {
		_, _ = fmt.Fprintln(talk, "已结束 / ended") // the terminal may be gone
	}
	return err
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
	options Options
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
	listener, err := lc.Listen(ctx, "tcp", c.options.Listen)
	if err != nil {
		return fmt.Errorf("网关端口 %s 打不开，换一个: --listen 127.0.0.1:0 / cannot listen for the gateway, take another: %w", c.options.Listen, err)
	}
	c.gateway = "http://" + listener.Addr().String()
	a.WatchBroker(ctx)
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
		Seed: c.options.Seed, Size: c.options.Size, Rate: c.options.Rate, Correct: true,
		CorrectAfter: c.options.CorrectAfter, CorrectEvery: c.options.CorrectEvery, Rows: c.options.Size == world.Tiny,
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
	f, err := os.OpenFile(c.truth, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write truth file: %w", err)
	}
	return errors.Join(synthetic.WriteTruth(f, o), f.Close())
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
	if c.options.JSON {
		return json.NewEncoder(out).Encode(ready{
			Gateway: c.gateway, Console: c.gateway + "/", Kafka: strings.Join(c.app.Brokers, ","), Registry: c.registry, Push: c.push, Admin: c.admin,
			Truth: c.truth, Apps: c.apps, PushKeys: c.pushKeys, Samples: samples,
		})
	}
	return c.tour(ctx, time.Since(began), samples, out)
}
