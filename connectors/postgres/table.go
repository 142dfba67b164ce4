package postgres

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/value"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// table is one table and the dataset its rows belong to.
type table struct {
	schema, relation string
	dataset          *schemas.Dataset
	explicit         map[string]string // column -> field
	absent           map[string]bool
	renamed          map[string]string // former column -> present one
	zone             *time.Location

	oid uint32 // when reading began

	// Set by checkTables.
	kind    string // r, p
	columns []column
	filter  string // the publication's row filter, SQL
}

// column is one mapped column.
type column struct {
	name  string
	field int    // position in the dataset
	oid   uint32 // as declared
	base  uint32 // of a domain: what it is made of
	key   bool   // of the dataset's key

	generated bool // from other columns, and not in the log
	hidden    bool // we may not read it
}

// fits implements connectors.Kind.Fits.
func fits(cfg connectors.Config) error {
	var o Options
	if err := cfg.Form(&o); err != nil {
		return err
	}
	_, err := newTables(cfg, o)
	return err
}

// newTables are the tables of a source by schema.table, one for each of its datasets: one
// that no table feeds would count as complete while nothing of it ever comes.
func newTables(cfg connectors.Config, o Options) (map[string]*table, error) {
	zone, err := time.LoadLocation(o.Timezone)
	if err != nil {
		return nil, fmt.Errorf("时区不存在 / option %q: unknown time zone: %w", "timezone", connectors.ErrConfig)
	}
	var problems []error
	tables, fed := map[string]*table{}, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(o.Tables)) {
		t, err := newTable(cfg, name, o.Tables[name], zone)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if other, twice := fed[t.dataset.ID]; twice {
			problems = append(problems, option.At("tables."+name, fmt.Errorf("两张表对应同一数据集 / option %q: tables %q and %q feed one dataset: %w", "tables", other, name, connectors.ErrConfig)))
		}
		if _, twice := tables[t.name()]; twice {
			problems = append(problems, option.At("tables."+name, fmt.Errorf("同一张表写了两次 / option %q: table %q stands twice, with and without its schema: %w", "tables", t.name(), connectors.ErrConfig)))
		}
		fed[t.dataset.ID], tables[t.name()] = name, t
	}
	for _, d := range cfg.Datasets {
		if fed[d.ID] == "" && len(problems) == 0 {
			problems = append(problems, option.At("tables", fmt.Errorf("数据集 %[1]s 没有对应的表：写进 tables，或从 datasets 去掉 / no table of option %[2]q feeds dataset %[1]q: add it there, or take the dataset out of datasets: %[3]w", d.ID, "tables", connectors.ErrConfig)))
		}
	}
	return tables, errors.Join(problems...)
}

func newTable(cfg connectors.Config, name string, o TableOptions, zone *time.Location) (*table, error) {
	schema, relation, ok := strings.Cut(name, ".")
	if !ok {
		schema, relation = "public", name
	}
	here := "tables." + name
	d, err := cfg.Dataset(o.Dataset)
	if err != nil {
		return nil, option.At(here+".dataset", fmt.Errorf("table %q: %w", name, err))
	}
	t := &table{schema: schema, relation: relation, dataset: d, explicit: o.Columns, renamed: o.Renamed, absent: map[string]bool{}, zone: zone}
	for _, f := range o.Absent {
		t.absent[f] = true
	}
	return t, connectors.Mapped(d, here+".", o.Columns, o.Absent)
}

func (t *table) name() string { return t.schema + "." + t.relation }

func (t *table) quoted() string { return pgx.Identifier{t.schema, t.relation}.Sanitize() }

// field returns the position of the field that a column feeds, -1 if none.
func (t *table) field(column string) int {
	if f, ok := t.explicit[column]; ok {
		return t.dataset.Layout.Index(f)
	}
	for i, f := range t.dataset.Fields {
		if strings.EqualFold(f.Name, column) {
			for _, other := range t.explicit {
				if other == f.Name {
					return -1 // another column was chosen for it
				}
			}
			return i
		}
	}
	return -1
}

// resolve maps the columns that exist. Every field needs one, unless the
// options say that the table lacks it.
func (t *table) resolve(existing []column) ([]column, error) {
	var mapped []column
	found := make([]bool, len(t.dataset.Fields))
	for _, c := range existing {
		if c.field = t.field(c.name); c.field < 0 {
			continue
		}
		if name := t.dataset.Fields[c.field].Name; c.generated && t.absent[name] {
			continue
		} else if c.generated {
			return nil, fmt.Errorf("表 %[1]q 的列 %[2]q 是由其他列算出的（GENERATED），数据库不把它写进变更日志；请数据库管理员改为普通列（可由触发器填写），或把字段 %[3]s 列入 absent（须可空）/ table %[1]q: column %[2]q is generated from others, and the server does not log it: have a DBA make it a plain one, filled by a trigger, or list field %[3]q, if it is nullable, in absent: %[4]w",
				t.name(), c.name, name, connectors.ErrConfig)
		}
		if found[c.field] {
			return nil, fmt.Errorf("两列对应同一字段，请在 columns 中指定一列 / table %q: two columns feed field %q: map one in columns: %w", t.name(), t.dataset.Fields[c.field].Name, connectors.ErrConfig)
		}
		found[c.field] = true
		c.key = slices.Contains(t.dataset.KeyIndex, c.field)
		mapped = append(mapped, c)
	}
	var missing []string
	for i, f := range t.dataset.Fields {
		if !found[i] && !t.absent[f.Name] {
			missing = append(missing, f.Name)
		}
	}
	for name := range t.explicit {
		if !slices.ContainsFunc(existing, func(c column) bool { return c.name == name }) {
			missing = append(missing, "column "+name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, fmt.Errorf("table %q: nothing feeds %s of dataset %q: map a column, or list the field in absent: %w",
			t.name(), strings.Join(missing, ", "), t.dataset.ID, connectors.ErrConfig)
	}
	return mapped, nil
}

// keyColumns returns the columns of the dataset's key, in its order.
func (t *table) keyColumns() []column {
	keys := make([]column, 0, len(t.dataset.KeyIndex))
	for _, i := range t.dataset.KeyIndex {
		for _, c := range t.columns {
			if c.field == i {
				keys = append(keys, c)
			}
		}
	}
	return keys
}

// text is the value of a column as its field's element reads it.
func (t *table) text(c column, raw []byte) string {
	return value.Text(c.base, raw, value.Place{Zone: t.zone, Day: t.dataset.Fields[c.field].Element.Type == schemas.Date})
}

// spelling is how a row writes its key, see contract.Own, and how it did before, if was
// has it. Columns are as of table.columns. What the two ways of reading a row write alike
// is written alike here; the blanks that fill a char(n) are nobody's.
func (t *table) spelling(key string, raw, was [][]byte) schemas.Spelling {
	if key == "" {
		return schemas.Spelling{}
	}
	s := schemas.Spelling{Known: true, Is: t.spelled(key, raw)}
	if was != nil {
		s.Was = t.spelled(key, was)
		s.Moved = s.Was != s.Is
	}
	return s
}

func (t *table) spelled(key string, raw [][]byte) string {
	parts := make([]string, len(t.dataset.KeyIndex))
	for n, field := range t.dataset.KeyIndex {
		i := slices.IndexFunc(t.columns, func(c column) bool { return c.field == field })
		if i < 0 || i >= len(raw) {
			continue
		}
		if parts[n] = string(raw[i]); t.columns[i].base == pgtype.BPCharOID {
			parts[n] = strings.TrimRight(parts[n], " ")
		}
	}
	if s := schemas.JoinKey(parts...); s != key {
		return s
	}
	return ""
}

// where is the place of a row as it may be told.
func (t *table) where(origin schemas.Origin) string { return t.name() + "@" + origin.Sequence.String() }
