package demo

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// returnedDataset is what the demonstration's province gives back (回流) as files:
// its tax system sends the city the month's declarations, and later what it corrected.
const returnedDataset = "SW02"

// province stands for the system of the level above: it puts files into the drop
// folder of a file source, the first copy as one and corrections as they come,
// and remembers how far it was.
type province struct {
	dataset *schemas.Dataset
	system  connectors.Source // what the province's own system says
	dir     string            // drop folder
	state   string            // file that at is kept in
	at      delivered
}

// delivered is how far the province has been.
type delivered struct {
	Files int              `json:"files"`
	After schemas.Position `json:"after"`
}

// openProvince opens the province's system and sends the first file, unless an
// earlier run has. It returns the source that takes its files.
func openProvince(ctx context.Context, cat *schemas.Catalogue, o synthetic.Options, dir string) (*province, connectors.Config, error) {
	d, err := cat.Dataset(returnedDataset)
	if err != nil {
		return nil, connectors.Config{}, err
	}
	dir = filepath.Join(dir, "returned", d.ID)
	p := &province{dataset: d, dir: dir, state: dir + ".json"}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, connectors.Config{}, fmt.Errorf("make drop folder: %w", err)
	}
	stored, err := os.ReadFile(p.state)
	if err == nil {
		err = json.Unmarshal(stored, &p.at)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, connectors.Config{}, fmt.Errorf("read state of the province: %w", err)
	}
	// A file is in order and says each row once.
	o.Department, o.Rate, o.Calm = d.Provider.ID, 0, true
	cfg := connectors.Config{Name: "province", Kind: "synthetic", Datasets: []*schemas.Dataset{d}, Options: o.Map()}
	if p.system, err = synthetic.Open(ctx, cfg, p.at.After); err != nil {
		return nil, connectors.Config{}, err
	}
	if p.at.Files == 0 {
		if err := p.send(ctx); err != nil {
			return nil, connectors.Config{}, errors.Join(err, p.system.Close())
		}
	}
	return p, connectors.Config{
		Name: "sw-returned", Kind: "file", Datasets: []*schemas.Dataset{d},
		Options: map[string]any{"dir": dir, "format": "csv", "charset": "utf-8", "wait": "marker", "settle": "100ms", "poll": "100ms"},
	}, nil
}

// run sends corrections as files until ctx ends.
func (p *province) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := p.send(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("send the province's file: %w", err)
		}
	}
	return p.system.Close()
}

// send puts the next file into the drop folder: the whole first copy, or what
// came next. Nothing came: no file. The marker says how many rows the file has.
func (p *province) send(ctx context.Context) error {
	name := fmt.Sprintf("%s-%06d.csv", p.dataset.ID, p.at.Files+1)
	// Beside the folder, so that nobody takes a part of it.
	f, err := os.OpenFile(p.dir+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	rows, after, err := p.write(ctx, csv.NewWriter(f))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if rows == 0 {
		p.at.After = after
		return os.Remove(f.Name())
	}
	if err := os.Rename(f.Name(), filepath.Join(p.dir, name)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(p.dir, name+".done"), fmt.Appendf(nil, "rows=%d\n", rows), 0o600); err != nil {
		return err
	}
	p.at = delivered{Files: p.at.Files + 1, After: after}
	state, err := json.Marshal(p.at)
	if err != nil {
		return err
	}
	return os.WriteFile(p.state, state, 0o600)
}

// write writes rows under the titles of their fields until the system has caught
// up, and returns how many there were and where the system stands.
func (p *province) write(ctx context.Context, to *csv.Writer) (rows int, after schemas.Position, err error) {
	line := make([]string, len(p.dataset.Fields))
	for i, f := range p.dataset.Fields {
		line[i] = f.Title
	}
	if err := to.Write(line); err != nil {
		return 0, "", err
	}
	for after = p.at.After; ; {
		batch, err := p.system.Read(ctx)
		if err != nil {
			return rows, after, err
		}
		for _, c := range batch.Changes {
			if c.Op == schemas.Delete {
				return rows, after, fmt.Errorf("a file of %s cannot say that a row is gone", p.dataset.ID)
			}
			for i, f := range p.dataset.Fields {
				line[i] = element.Render(f.Element, c.Record.Value(f.Index))
			}
			if err := to.Write(line); err != nil {
				return rows, after, err
			}
			rows++
		}
		if after = batch.After; !batch.CaughtUp.IsZero() {
			to.Flush()
			return rows, after, to.Error()
		}
	}
}
