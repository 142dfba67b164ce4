package process

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
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
		Name: "yiyuan_process_catalogue_state", Help: "目录版本：本进程运行的、总线上生效的、配置的文件夹中的各为 1。三者不同时，用 yiyuan apply 使文件夹生效，或重启进程。 / 1 for the version of the catalogue that this process runs, that is in force on the bus, and of the configured folder. If they differ, apply the folder or restart the process.",
	}, []string{"which", "version"})
}

func (a *Process) showCatalogue(which, version string) {
	a.catalogues.DeletePartialMatch(prometheus.Labels{"which": which})
	a.catalogues.WithLabelValues(which, version).Set(1)
}

// Apply asks for a catalogue to take the place of the one whose version is after, and
// returns the history as it is then: its last is another one's, if that came first.
func Apply(ctx context.Context, b *bus.Bus, want *Folder, after, by string) ([]contract.Applied, error) {
	value, err := want.record(after, by)
	if err != nil {
		return nil, err
	}
	return putInForce(ctx, b, value)
}

// putInForce appends a record that wants to be in force, and returns the history as it is then.
func putInForce(ctx context.Context, b *bus.Bus, value []byte) ([]contract.Applied, error) {
	if err := b.Append(ctx, bus.Record{Topic: contract.Catalogues, Partition: 0, Key: []byte(contract.CatalogueKey), Value: value}); err != nil {
		return nil, fmt.Errorf("apply catalogue: %w", err)
	}
	return ReadHistory(ctx, b, b.Replay)
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
	past, err := ReadHistory(ctx, a.Bus, a.Bus.Replay)
	if err != nil {
		return err
	}
	f := InForce(past)
	if !f.Any() && mine.Broken != nil {
		return mine.Broken
	}
	if mine.Broken == nil && !mine.is(f) && (!f.Any() || mine.Sample && f.Sample) {
		if past, err = Apply(ctx, a.Bus, mine, f.Version, User()); err != nil {
			return err
		}
		f = InForce(past)
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
	default:
		a.showCatalogue(CatalogueFolder, mine.Catalogue.Version)
		a.Log.Error("the configured catalogue folder is not in force and not used: look at yiyuan plan, put it in force by yiyuan apply", "folder", a.cfg.Catalogue, "folder_version", mine.Catalogue.Version, "in_force", f.Version)
	}
	if a.Catalogue = mine.Catalogue; !mine.is(f) {
		if a.Catalogue, err = LoadInForce(f); err != nil {
			return err
		}
	}
	a.Catalogue.Lineage = Lineage(a.Catalogue, past)
	return nil
}

// Lineage holds a catalogue against those that came into force before it; past is as of ReadHistory.
func Lineage(cat *schemas.Catalogue, past []contract.Applied) schemas.Lineage {
	return lineage.Of(cat, past, func(p contract.Applied) (*schemas.Catalogue, error) { return LoadInForce(contract.InForce{Applied: p}) })
}

// WatchCatalogue tells when another catalogue comes into force than the one that runs.
func (a *Process) WatchCatalogue(ctx context.Context) error {
	return a.persist(ctx, "catalogue in force", func(ctx context.Context) error {
		var f contract.InForce
		return a.Bus.Follow(ctx, bus.FollowConfig{Topics: []contract.Topic{contract.Catalogues}}, func(_ context.Context, records []bus.Record) error {
			before := f.Begun()
			for i := range records {
				if _, err := takeApplied(&f, records[i]); err != nil {
					return err
				}
			}
			if f.Begun() == before || !f.Any() {
				return nil
			}
			a.showCatalogue(CatalogueInForce, f.Version)
			if f.Begun()-1 > a.Catalogue.Lineage.Step && len(f.Lost) > 0 {
				return lostHere(f.Lost)
			}
			if f.Begun()-1 > a.Catalogue.Lineage.Step {
				a.Log.Error("another catalogue is in force: restart this process to take it", "runs", a.Catalogue.Version, "in_force", f.Version, "by", f.By)
			}
			return nil
		})
	})
}

// lostHere ends a process: what it knows of these topics is of those of before.
func lostHere(lost []contract.Topic) error {
	return fmt.Errorf("主题被删除后又建了新的：%[1]s。本进程结束，再启动即可，共享的内容会自动重新发布 / topics were deleted and made anew: %[1]s. This process ends; start it again, what is shared is then published again by itself: %[2]w", some(lost), bus.ErrConfig)
}

func some(topics []contract.Topic) string {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = string(t)
	}
	return terminal.Some(names)
}

// inscribe writes what the topic Bus is to hold under a key.
func (a *Process) inscribe(ctx context.Context, key string, what any) error {
	value, err := json.Marshal(what)
	if err != nil {
		return err //nolint:wrapcheck // who calls says of what
	}
	return a.Bus.Append(ctx, bus.Record{Topic: contract.Bus, Partition: bus.ByKey, Key: []byte(key), Value: value})
}
