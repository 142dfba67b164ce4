package synthetic

import (
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// binding ties a table to a dataset of the catalogue: where each column of the
// dataset comes from, -1 = the generator does not know it (it is null).
type binding struct {
	dataset *schemas.Dataset
	from    []int
}

// fits implements connectors.Kind.Fits.
func fits(cfg connectors.Config) error {
	var set settings
	if err := cfg.Form(&set); err != nil {
		return err
	}
	_, _, err := bind(cfg, &set.Options)
	return err
}

// bind finds the source's department, which it notes in the options, and its datasets.
func bind(cfg connectors.Config, o *Options) (d world.Department, bindings [world.TableCount]*binding, err error) {
	datasets := cfg.Datasets
	if o.Department == "" {
		if len(datasets) == 0 || datasets[0].Provider == nil {
			return d, bindings, fmt.Errorf("没有写部门，也没有可据以判断的数据集 / no department and no datasets to tell it from: %w", connectors.ErrConfig)
		}
		o.Department = datasets[0].Provider.ID
	}
	var ok bool
	d, ok = world.DepartmentOf(o.Department)
	if !ok {
		return d, bindings, fmt.Errorf("该部门没有合成数据源 / department %q has no synthetic source: %w", o.Department, connectors.ErrConfig)
	}
	if len(datasets) == 0 && cfg.Catalogue != nil {
		for _, known := range cfg.Catalogue.Datasets {
			if t, made := world.TableOf(known.ID); made && t.Owner() == d {
				datasets = append(datasets, known)
			}
		}
	}
	if len(datasets) == 0 {
		return d, bindings, fmt.Errorf("该部门没有数据集 / department %q: no datasets: %w", o.Department, connectors.ErrConfig)
	}
	for _, dataset := range datasets {
		t, made := world.TableOf(dataset.ID)
		if !made || t.Owner() != d {
			return d, bindings, fmt.Errorf("该部门不产生这个数据集 / dataset %q is not made by department %q: %w", dataset.ID, o.Department, connectors.ErrConfig)
		}
		b, err := bindTable(t, dataset)
		if err != nil {
			return d, bindings, err
		}
		bindings[t] = b
	}
	return d, bindings, nil
}

func bindTable(t world.Table, dataset *schemas.Dataset) (*binding, error) {
	b := &binding{dataset: dataset, from: make([]int, len(dataset.Layout.Columns))}
	used := 0
	for i, c := range dataset.Layout.Columns {
		b.from[i] = -1
		for j, have := range t.Columns() {
			if have.Name != c.Name {
				continue
			}
			if have.Type != c.Type || have.Type == schemas.Decimal && have.Scale != c.Scale {
				return nil, fmt.Errorf("dataset %s: field %s is not of the type that is made: %w", dataset.ID, c.Name, connectors.ErrConfig)
			}
			b.from[i] = j
			used++
		}
		if b.from[i] < 0 && !c.Nullable {
			return nil, fmt.Errorf("dataset %s: field %s is not made and may not be null: %w", dataset.ID, c.Name, connectors.ErrConfig)
		}
	}
	if used != len(t.Columns()) {
		return nil, fmt.Errorf("dataset %s: %d of %d fields that are made are not in the catalogue: %w", dataset.ID, len(t.Columns())-used, len(t.Columns()), connectors.ErrConfig)
	}
	for i, k := range t.Key() {
		if i >= len(dataset.Key) || dataset.Key[i] != t.Columns()[k].Name || len(dataset.Key) != len(t.Key()) {
			return nil, fmt.Errorf("dataset %s has another key than the one that is made: %w", dataset.ID, connectors.ErrConfig)
		}
	}
	return b, nil
}

// record orders a row's values as the catalogue does.
func (b *binding) record(v []schemas.Value) schemas.Record {
	values := make([]schemas.Value, len(b.from))
	for i, j := range b.from {
		if j >= 0 {
			values[i] = v[j]
		}
	}
	return schemas.NewRecord(b.dataset.Layout, values)
}

// add puts an event into a batch, unless its dataset is not fed here, and
// returns how many were added.
func (s *source) add(batch *connectors.Batch, e world.Event) int {
	b := s.bindings[e.Table]
	if b == nil {
		return 0
	}
	at := time.UnixMilli(e.At)
	if e.Spoilt == world.Broken {
		batch.Rejections = append(batch.Rejections, s.refuse(b.dataset, e, at))
		return 1
	}
	c := schemas.Change{Dataset: b.dataset, Key: e.Key, Op: e.Op, Origin: schemas.Origin{
		Source: s.name, Sequence: e.Sequence, At: at, Tx: e.Tx, TxIndex: e.TxIndex,
	}}
	if e.Values != nil {
		c.Record = b.record(e.Values)
	}
	batch.Changes = append(batch.Changes, c)
	return 1
}

// refuse is the schema break of the run: a row with a column nobody declared.
func (s *source) refuse(d *schemas.Dataset, e world.Event, at time.Time) contract.Rejection {
	r := contract.Rejection{
		Dataset: d.ID, Field: brokenField, Reason: contract.ReasonSchema,
		Detail: "行中出现目录未登记的字段 " + brokenField + ", 请先变更目录或者改回原表结构 / the row has a field that the catalogue does not know: change the catalogue first or restore the table",
		Source: s.name, At: at, Locator: s.name + "@" + e.Sequence.String(),
	}
	r.Digest = s.digest([]byte(brokenRow + e.Sequence.String()))
	return r
}

// The row of another schema.
const (
	brokenField = "XSLB"
	brokenRow   = "XJH,GMSFHM,XM,XXMC,NJ,JHRGMSFHM,ZTDM,XSLB"
)
