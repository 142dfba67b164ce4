package process

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/lineage"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
)

// The catalogue in force stands on the bus, not in the folder of a process: a restart
// with an edited folder must not show anybody what they could not see before (adr/0025).

// Which catalogue a version is of, in yiyuan_process_catalogue_state.
const (
	CatalogueRuns    = "runs"
	CatalogueInForce = "in_force"
	CatalogueFolder  = "folder"
)

// NewCatalogues says which catalogues this process knows.
func NewCatalogues() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "yiyuan_process_catalogue_state", Help: "1 for the version of the catalogue that this process runs, that is in force on the bus, and of the configured folder. If they differ, apply the folder or restart the process.",
	}, []string{"which", "version"})
}

func (a *Process) showCatalogue(which, version string) {
	a.catalogues.DeletePartialMatch(prometheus.Labels{"which": which})
	a.catalogues.WithLabelValues(which, version).Set(1)
}

// ReadInForce reads which catalogue is in force. read is Bus.Replay, or Bus.Peek for
// who only looks.
func ReadInForce(ctx context.Context, b *bus.Bus, read func(context.Context, contract.Topic, func(bus.Record) error) error) (contract.InForce, error) {
	var f contract.InForce
	if _, err := b.Partitions(ctx, contract.Catalogues); errors.Is(err, cluster.ErrNoTopic) {
		return f, nil
	}
	if err := read(ctx, contract.Catalogues, func(r bus.Record) error {
		_, err := takeApplied(&f, r)
		return err
	}); err != nil {
		return f, fmt.Errorf("read the catalogue in force: %w", err)
	}
	return f, nil
}

// Apply asks for a catalogue to take the place of the one whose version is after, and
// returns which one is in force then: another one's, if that came first.
func Apply(ctx context.Context, b *bus.Bus, want *Folder, after, by string) (contract.InForce, error) {
	packed, err := manifest.Pack(want.Files)
	if err != nil {
		return contract.InForce{}, err
	}
	value, err := contract.Applied{Version: want.Catalogue.Version, After: after, Sample: want.Sample, By: by, At: time.Now().UnixMilli(), Files: packed}.Append()
	if errors.Is(err, contract.ErrAppliedLarge) {
		return contract.InForce{}, fmt.Errorf("目录压缩后仍过大，主题 %s 放不下：请拆分为几个城市，或删去大段说明 / the catalogue is too large for the topic %s even compressed: split it, or take long texts out: %w", contract.Catalogues, contract.Catalogues, err)
	}
	if err == nil {
		err = b.Append(ctx, bus.Record{Topic: contract.Catalogues, Partition: 0, Key: []byte(contract.CatalogueKey), Value: value})
	}
	if err != nil {
		return contract.InForce{}, fmt.Errorf("apply catalogue: %w", err)
	}
	return ReadInForce(ctx, b, b.Replay)
}

// LoadInForce reads the catalogue that is in force.
func LoadInForce(f contract.InForce) (*schemas.Catalogue, error) {
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
func (a *Process) bindCatalogue(ctx context.Context) error {
	mine := &a.folder
	f, err := ReadInForce(ctx, a.Bus, a.Bus.Replay)
	if err != nil {
		return err
	}
	if !f.Any() && mine.Broken != nil {
		return mine.Broken
	}
	if mine.Broken == nil && !mine.is(f) && (!f.Any() || mine.Sample && f.Sample) {
		if f, err = Apply(ctx, a.Bus, mine, f.Version, User()); err != nil {
			return err
		}
		a.Log.Info("catalogue put in force by this start", "catalogue", mine.Catalogue.Version, "in_force", f.Version)
	}
	a.showCatalogue(CatalogueInForce, f.Version)
	a.showCatalogue(CatalogueRuns, f.Version)
	switch {
	case mine.Broken != nil:
		a.showCatalogue(CatalogueFolder, "broken")
		a.Log.Error("the configured catalogue folder is wrong, the catalogue in force is used: see yiyuan check", "folder", a.cfg.Catalogue, "in_force", f.Version, "error", mine.Broken)
	case mine.is(f):
		a.showCatalogue(CatalogueFolder, f.Version)
		a.Catalogue = mine.Catalogue
		return a.remember(ctx)
	default:
		a.showCatalogue(CatalogueFolder, mine.Catalogue.Version)
		a.Log.Error("the configured catalogue folder is not in force and not used: look at yiyuan plan, put it in force by yiyuan apply", "folder", a.cfg.Catalogue, "folder_version", mine.Catalogue.Version, "in_force", f.Version)
	}
	if a.Catalogue, err = LoadInForce(f); err != nil {
		return err
	}
	return a.remember(ctx)
}

// remember tells the catalogue of this process what was in force before it.
func (a *Process) remember(ctx context.Context) error {
	past, err := ReadHistory(ctx, a.Bus.Replay)
	if err != nil {
		return err
	}
	a.Catalogue.Lineage = lineage.Of(a.Catalogue, past, func(p contract.Applied) (*schemas.Catalogue, error) { return LoadInForce(contract.InForce{Applied: p}) })
	return nil
}

// WatchCatalogue tells when another catalogue comes into force than the one that runs.
func (a *Process) WatchCatalogue(ctx context.Context) error {
	return a.persist(ctx, "catalogue in force", func(ctx context.Context) error {
		var f contract.InForce
		return a.Bus.Follow(ctx, bus.FollowConfig{Topics: []contract.Topic{contract.Catalogues}}, func(_ context.Context, records []bus.Record) error {
			before := f.Version
			for i := range records {
				if _, err := takeApplied(&f, records[i]); err != nil {
					return err
				}
			}
			if f.Version == before || !f.Any() {
				return nil
			}
			a.showCatalogue(CatalogueInForce, f.Version)
			if f.Version != a.Catalogue.Version {
				a.Log.Error("another catalogue is in force: restart this process to take it", "runs", a.Catalogue.Version, "in_force", f.Version, "by", f.By)
			}
			return nil
		})
	})
}

// User is who runs this command, as the system calls them.
func User() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
