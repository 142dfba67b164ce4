package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
)

// The catalogue in force stands on the bus, not in the folder of a process: a restart
// with an edited folder must not show anybody what they could not see before (adr/0025).

// Which catalogue a version is of, in yiyuan_process_catalogue_state.
const (
	catalogueRuns    = "runs"
	catalogueInForce = "in_force"
	catalogueFolder  = "folder"
)

// newCatalogues says which catalogues this process knows.
func newCatalogues() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "yiyuan_process_catalogue_state", Help: "1 for the version of the catalogue that this process runs, that is in force on the bus, and of the configured folder. If they differ, apply the folder or restart the process.",
	}, []string{"which", "version"})
}

func (a *app) showCatalogue(which, version string) {
	a.catalogues.DeletePartialMatch(prometheus.Labels{"which": which})
	a.catalogues.WithLabelValues(which, version).Set(1)
}

// readInForce reads which catalogue is in force. read is Bus.Replay, or Bus.Peek for
// who only looks.
func readInForce(ctx context.Context, b *bus.Bus, read func(context.Context, contract.Topic, func(bus.Record) error) error) (contract.InForce, error) {
	var f contract.InForce
	if _, err := b.Partitions(ctx, contract.Catalogues); errors.Is(err, cluster.ErrNoTopic) {
		return f, nil
	}
	if err := read(ctx, contract.Catalogues, func(r bus.Record) error { return takeApplied(&f, r) }); err != nil {
		return f, fmt.Errorf("read the catalogue in force: %w", err)
	}
	return f, nil
}

func takeApplied(f *contract.InForce, r bus.Record) error {
	if string(r.Key) != contract.CatalogueKey || r.Value == nil {
		return nil
	}
	applied, err := contract.ParseApplied(r.Value)
	if err != nil {
		return err
	}
	f.Take(applied)
	return nil
}

// apply asks for a catalogue to take the place of the one whose version is after, and
// returns which one is in force then: another one's, if that came first.
func apply(ctx context.Context, b *bus.Bus, want *folder, after, by string) (contract.InForce, error) {
	packed, err := manifest.Pack(want.files)
	if err != nil {
		return contract.InForce{}, err
	}
	value, err := contract.Applied{Version: want.cat.Version, After: after, Sample: want.sample, By: by, At: time.Now().UnixMilli(), Files: packed}.Append()
	if errors.Is(err, contract.ErrAppliedLarge) {
		return contract.InForce{}, fmt.Errorf("目录压缩后仍过大，主题 %s 放不下：请拆分为几个城市，或删去大段说明 / the catalogue is too large for the topic %s even compressed: split it, or take long texts out: %w", contract.Catalogues, contract.Catalogues, err)
	}
	if err == nil {
		err = b.Append(ctx, bus.Record{Topic: contract.Catalogues, Partition: 0, Key: []byte(contract.CatalogueKey), Value: value})
	}
	if err != nil {
		return contract.InForce{}, fmt.Errorf("apply catalogue: %w", err)
	}
	return readInForce(ctx, b, b.Replay)
}

// loadInForce reads the catalogue that is in force.
func loadInForce(f contract.InForce) (*schemas.Catalogue, error) {
	files, err := manifest.Unpack(f.Files)
	if err != nil {
		return nil, err
	}
	cat, err := manifest.Load(files)
	if err != nil {
		return nil, fmt.Errorf("本版本读不了生效中的目录 %s：请用原版本，或用 yiyuan apply 换上能读的目录 / this build cannot read the catalogue in force, %s: use the build of before, or put another in force by yiyuan apply: %w", f.Version, f.Version, err)
	}
	return cat, nil
}

// bindCatalogue makes the catalogue in force the one of this process. Where none is, or
// where the sample city of another build is and this build runs its own, the process
// puts its own in force. A folder that differs is told loudly and not used.
func (a *app) bindCatalogue(ctx context.Context) error {
	mine := &a.folder
	f, err := readInForce(ctx, a.bus, a.bus.Replay)
	if err != nil {
		return err
	}
	if !f.Any() && mine.broken != nil {
		return mine.broken
	}
	if mine.broken == nil && !mine.is(f) && (!f.Any() || mine.sample && f.Sample) {
		if f, err = apply(ctx, a.bus, mine, f.Version, me()); err != nil {
			return err
		}
		a.log.Info("catalogue put in force by this start", "catalogue", mine.cat.Version, "in_force", f.Version)
	}
	a.showCatalogue(catalogueInForce, f.Version)
	a.showCatalogue(catalogueRuns, f.Version)
	switch {
	case mine.broken != nil:
		a.showCatalogue(catalogueFolder, "broken")
		a.log.Error("the configured catalogue folder is wrong, the catalogue in force is used: see yiyuan check", "folder", a.cfg.Catalogue, "in_force", f.Version, "error", mine.broken)
	case mine.is(f):
		a.showCatalogue(catalogueFolder, f.Version)
		a.cat = mine.cat
		return nil
	default:
		a.showCatalogue(catalogueFolder, mine.cat.Version)
		a.log.Error("the configured catalogue folder is not in force and not used: look at yiyuan plan, put it in force by yiyuan apply", "folder", a.cfg.Catalogue, "folder_version", mine.cat.Version, "in_force", f.Version)
	}
	a.cat, err = loadInForce(f)
	return err
}

// folder is a catalogue folder as somebody wants it in force.
type folder struct {
	cat    *schemas.Catalogue
	files  fs.FS
	sample bool  // the sample city of this build
	broken error // why there is none
}

// readFolder reads a folder, the sample city if it is "", and compiles its rules.
func readFolder(dir string) folder {
	f := folder{sample: dir == ""}
	if f.files, f.broken = wiring.CatalogueFiles(dir); f.broken == nil {
		if f.cat, f.broken = manifest.Load(f.files); f.broken == nil {
			f.broken = wiring.Compile(f.cat)
		}
	}
	return f
}

// is reports whether the folder is what is in force.
func (f *folder) is(now contract.InForce) bool {
	return f.broken == nil && f.cat.Version == now.Version
}

// watchCatalogue tells when another catalogue comes into force than the one that runs.
func (a *app) watchCatalogue(ctx context.Context) error {
	return a.persist(ctx, "catalogue in force", func(ctx context.Context) error {
		var f contract.InForce
		return a.bus.Follow(ctx, bus.FollowConfig{Topics: []contract.Topic{contract.Catalogues}}, func(_ context.Context, records []bus.Record) error {
			before := f.Version
			for i := range records {
				if err := takeApplied(&f, records[i]); err != nil {
					return err
				}
			}
			if f.Version == before || !f.Any() {
				return nil
			}
			a.showCatalogue(catalogueInForce, f.Version)
			if f.Version != a.cat.Version {
				a.log.Error("another catalogue is in force: restart this process to take it", "runs", a.cat.Version, "in_force", f.Version, "by", f.By)
			}
			return nil
		})
	})
}

// persist does something that lasts; if the bus fails it begins again. What cannot get
// better, bus.ErrConfig, ends it.
func (a *app) persist(ctx context.Context, what string, do func(context.Context) error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := do(ctx)
		if errors.Is(err, bus.ErrConfig) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(&backoff.ExponentialBackOff{InitialInterval: 100 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 5 * time.Second}),
		backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
			a.log.Warn("cannot be followed, beginning again", "what", what, "error", err)
		}))
	return err
}

// me is who runs this command, as the system calls them.
func me() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
