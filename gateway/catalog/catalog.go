// Package catalog is the catalogue as callers read it: what datasets there
// are, how each does, which fields they have and how each view masks them,
// and where each cell of a golden record comes from.
package catalog

import (
	"cmp"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/indicator"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Catalogue is GET /v1/catalogue.
type Catalogue struct {
	City        City         `json:"city"`
	Version     string       `json:"version"`
	Departments []Department `json:"departments"`
	Datasets    []Dataset    `json:"datasets"`
	Entities    []Entity     `json:"entities"`
	Purposes    []Purpose    `json:"purposes"`
	Classes     []Class      `json:"classes" doc:"共享类型，以及如何申请 / classes of sharing, and how to apply"`
	Rules       []Rule       `json:"rules"`
}

// City is the city whose catalogue it is.
type City struct {
	Name    string `json:"name"`
	English string `json:"english"`
	Region  string `json:"region"`
}

// Department is a department and how many datasets it provides.
type Department struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	English  string `json:"english"`
	Datasets int    `json:"datasets"`
}

// Dataset is one line of the catalogue with how the dataset does now.
type Dataset struct {
	ID            string   `json:"id"`
	Title         string   `json:"title"`
	English       string   `json:"english"`
	Provider      string   `json:"provider"`
	ProviderTitle string   `json:"provider_title"`
	Code          string   `json:"code"`
	Class         string   `json:"class"`
	Cycle         string   `json:"cycle"`
	Fields        int      `json:"fields"`
	FieldNames    []string `json:"field_names"`
	Views         []string `json:"views"`
	Live
}

// Live is how a dataset does now.
type Live struct {
	Told       bool         `json:"live" doc:"以下各项是否告知：须有 SUPERVISE 用途 / whether what follows is told, which needs the purpose SUPERVISE"`
	State      string       `json:"state" enum:"fresh,due,overdue,stopped,unknown"`
	LastUpdate *answer.Time `json:"last_update" doc:"newest commit time seen, null if none"`
	AsOf       *answer.Time `json:"as_of" doc:"all its source committed before is in the views; null if unknown"`
	Rows       *int64       `json:"rows" doc:"null if unknown"`
	Sources    []string     `json:"sources"`
}

// Untold is how a dataset does for whom it does not concern.
func Untold(*schemas.Dataset) Live { return Live{State: "unknown", Sources: []string{}} }

// Moment returns a pointer to t for Live, nil if it is zero.
func Moment(t time.Time) *answer.Time {
	if t.IsZero() {
		return nil
	}
	m := answer.Time(t)
	return &m
}

// DatasetDetail is GET /v1/catalogue/datasets/{id}.
type DatasetDetail struct {
	ID            string   `json:"id"`
	Title         string   `json:"title"`
	English       string   `json:"english"`
	Provider      string   `json:"provider"`
	ProviderTitle string   `json:"provider_title"`
	Code          string   `json:"code"`
	Class         string   `json:"class"`
	Basis         string   `json:"basis,omitempty"`
	Apply         string   `json:"apply" doc:"如何申请 / how to apply, in Chinese"`
	ApplyEN       string   `json:"apply_en" doc:"how to apply, in English"`
	Cycle         string   `json:"cycle"`
	Key           []string `json:"key"`
	Fields        []Field  `json:"fields"`
	Views         []View   `json:"views"`
	Links         []Link   `json:"links"`
	Rules         []Rule   `json:"rules"`
	Live
}

// Field is a field of a dataset.
type Field struct {
	Name         string            `json:"name"`
	Title        string            `json:"title"`
	English      string            `json:"english"`
	Element      string            `json:"element"`
	ElementTitle string            `json:"element_title"`
	Type         string            `json:"type"`
	Level        string            `json:"level"`
	Nullable     bool              `json:"nullable"`
	Source       bool              `json:"source" doc:"this dataset is the accountable source"`
	Mask         map[string]string `json:"mask" doc:"how each view shows it: clear, a mask rule; absent views do not show it"`
	Codes        []Code            `json:"codes,omitempty"`
}

// Code is one value of a code set.
type Code struct {
	Value   string `json:"value"`
	Title   string `json:"title"`
	English string `json:"english"`
}

// View is a view of a dataset or an entity.
type View struct {
	ID        string      `json:"id"`
	Name      string      `json:"name"`
	Title     string      `json:"title"`
	Only      string      `json:"only,omitempty"`
	Level     string      `json:"level"`
	KeyMasked bool        `json:"key_masked"`
	Fields    []ViewField `json:"fields"`
}

// ViewField is a field of a view and how it is masked.
type ViewField struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Kind    string `json:"kind"`
	Element string `json:"element"`
	Mask    string `json:"mask"`
}

// Link says which entity the rows of a dataset speak about.
type Link struct {
	Entity      string `json:"entity"`
	EntityTitle string `json:"entity_title"`
	Key         string `json:"key"`
	Role        string `json:"role"`
}

// Rule is a cross-check.
type Rule struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	English  string `json:"english"`
	Severity string `json:"severity"`
	Entity   string `json:"entity"`
}

// Purpose is what a question may be for.
type Purpose struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	English string `json:"english"`
}

// Entity is one line of the catalogue's entities.
type Entity struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	English string   `json:"english"`
	Fields  int      `json:"fields"`
	Views   []string `json:"views"`
}

// EntityDetail is GET /v1/catalogue/entities/{id}.
type EntityDetail struct {
	ID        string        `json:"id"`
	Title     string        `json:"title"`
	English   string        `json:"english"`
	Key       EntityKey     `json:"key"`
	Fields    []GoldenField `json:"fields"`
	Views     []View        `json:"views"`
	Authority *Authority    `json:"authority,omitempty" doc:"现行的数源表，没有则缺省 / the table in force, left out if there is none"`
	Rules     []Rule        `json:"rules"`
}

// EntityKey is the key of an entity.
type EntityKey struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Element string `json:"element"`
}

// Authority is the version of the table in force.
type Authority struct {
	Version   int    `json:"version"`
	Effective string `json:"effective"`
	Basis     string `json:"basis"`
}

// GoldenField is a cell of the golden record with its sources in rank order.
type GoldenField struct {
	Name         string   `json:"name"`
	Title        string   `json:"title"`
	English      string   `json:"english"`
	Element      string   `json:"element"`
	ElementTitle string   `json:"element_title"`
	Type         string   `json:"type"`
	Level        string   `json:"level"`
	Group        string   `json:"group,omitempty"`
	Codes        []Code   `json:"codes,omitempty"`
	Sources      []Source `json:"sources"`
}

// Source is one candidate of a cell.
type Source struct {
	Dataset         string `json:"dataset"`
	DatasetTitle    string `json:"dataset_title"`
	Department      string `json:"department"`
	DepartmentTitle string `json:"department_title"`
	Role            string `json:"role,omitempty"`
	Pick            string `json:"pick,omitempty"`
	Flag            string `json:"flag,omitempty"`
	SameRank        bool   `json:"same_rank"`
}

// Catalog answers questions about one catalogue. It is safe for concurrent use.
type Catalog struct {
	catalogue *schemas.Catalogue
	rules     map[string][]string // dataset -> rules that read it
}

// New returns the catalogue's other face.
func New(c *schemas.Catalogue) *Catalog {
	return &Catalog{catalogue: c, rules: indicator.Rules(c)}
}

// All returns the whole catalogue.
func (c *Catalog) All(live func(*schemas.Dataset) Live) Catalogue {
	src := c.catalogue
	out := Catalogue{
		City: City{src.City.Name, src.City.English, src.City.Region}, Version: src.Version,
		Departments: []Department{}, Datasets: []Dataset{}, Entities: []Entity{}, Purposes: []Purpose{}, Classes: classes, Rules: []Rule{},
	}
	provided := map[string]int{}
	for _, d := range src.Datasets {
		provided[d.Provider.ID]++
		line := Dataset{
			ID: d.ID, Title: d.Title, English: d.English, Provider: d.Provider.ID, ProviderTitle: d.Provider.Title, Code: d.Code,
			Class: d.Class, Cycle: d.Cycle, Fields: len(d.Fields), FieldNames: []string{}, Views: viewIDs(d.Views), Live: live(d),
		}
		for _, f := range d.Fields {
			line.FieldNames = append(line.FieldNames, f.Name)
		}
		out.Datasets = append(out.Datasets, line)
	}
	for _, d := range src.Departments {
		out.Departments = append(out.Departments, Department{d.ID, d.Title, d.English, provided[d.ID]})
	}
	for _, e := range src.Entities {
		out.Entities = append(out.Entities, Entity{e.ID, e.Title, e.English, len(e.Fields), viewIDs(e.Views)})
	}
	for _, p := range src.Purposes {
		out.Purposes = append(out.Purposes, Purpose{p.ID, p.Title, p.English})
	}
	for _, r := range src.Rules {
		out.Rules = append(out.Rules, rule(r))
	}
	return out
}

func viewIDs(views []*schemas.View) []string {
	out := make([]string, len(views))
	for i, v := range views {
		out[i] = v.ID
	}
	return out
}

// codesOf are the values that an element may have, nil if it has no code set.
func codesOf(e *schemas.Element) (out []Code) {
	for _, code := range e.Codes {
		out = append(out, Code{code.Value, code.Title, code.English})
	}
	return out
}

func rule(r *schemas.Rule) Rule { return Rule{r.ID, r.Title, r.English, r.Severity, r.Entity} }

// Dataset returns one dataset, or schemas.ErrUnknown.
func (c *Catalog) Dataset(id string, live func(*schemas.Dataset) Live) (DatasetDetail, error) {
	d, err := c.catalogue.Dataset(id)
	if err != nil {
		return DatasetDetail{}, err
	}
	out := DatasetDetail{
		ID: d.ID, Title: d.Title, English: d.English, Provider: d.Provider.ID, ProviderTitle: d.Provider.Title, Code: d.Code,
		Class: d.Class, Basis: d.Basis, Apply: classOf(d.Class).Apply, ApplyEN: classOf(d.Class).ApplyEN, Cycle: d.Cycle, Key: d.Key, Fields: []Field{}, Views: []View{}, Links: []Link{}, Rules: []Rule{}, Live: live(d),
	}
	described := map[string]ViewField{}
	for _, f := range d.Fields {
		field := Field{
			Name: f.Name, Title: f.Title, English: f.English, Element: f.Element.ID, ElementTitle: f.Element.Title,
			Type: d.Layout.Columns[f.Index].Type.String(), Level: f.Level, Nullable: f.Nullable, Source: f.Source, Mask: map[string]string{},
		}
		field.Codes = codesOf(f.Element)
		for _, v := range d.Views {
			if i := slices.IndexFunc(v.Fields, func(s schemas.ViewField) bool { return s.Name == f.Name }); i >= 0 {
				field.Mask[v.Name] = cmp.Or(v.Fields[i].Mask, "clear")
			}
		}
		out.Fields = append(out.Fields, field)
		described[f.Name] = ViewField{f.Name, f.Title, f.Element.Kind, f.Element.ID, ""}
	}
	for _, v := range d.Views {
		out.Views = append(out.Views, view(v, described))
	}
	for _, l := range d.Links {
		link := Link{Entity: l.Entity, Key: l.Key, Role: l.Role}
		if e, err := c.catalogue.Entity(l.Entity); err == nil {
			link.EntityTitle = e.Title
		}
		out.Links = append(out.Links, link)
	}
	for _, r := range c.catalogue.Rules {
		if slices.Contains(c.rules[d.ID], r.ID) {
			out.Rules = append(out.Rules, rule(r))
		}
	}
	return out, nil
}

func view(v *schemas.View, described map[string]ViewField) View {
	out := View{ID: v.ID, Name: v.Name, Title: v.Title, Only: v.Only, Level: v.Level, KeyMasked: v.KeyMask, Fields: []ViewField{}}
	for _, f := range v.Fields {
		shown := described[f.Name]
		shown.Name, shown.Mask = f.Name, f.Mask
		out.Fields = append(out.Fields, shown)
	}
	for _, e := range v.Embed {
		out.Fields = append(out.Fields, ViewField{Name: e.Dataset.ID, Title: e.Dataset.Title, Kind: "rows"})
	}
	return out
}

// Entity returns one entity with the sources of each cell in rank order, or
// schemas.ErrUnknown.
func (c *Catalog) Entity(id string, now time.Time) (EntityDetail, error) {
	e, err := c.catalogue.Entity(id)
	if err != nil {
		return EntityDetail{}, err
	}
	out := EntityDetail{
		ID: e.ID, Title: e.Title, English: e.English, Key: EntityKey{e.Key.Name, e.Key.Title, e.Key.Element.ID},
		Fields: []GoldenField{}, Views: []View{}, Rules: []Rule{},
	}
	table := e.Current(now)
	if table != nil {
		out.Authority = &Authority{table.Version, table.Effective.Format(time.DateOnly), table.Basis}
	}
	described := map[string]ViewField{e.Key.Name: {e.Key.Name, e.Key.Title, e.Key.Element.Kind, e.Key.Element.ID, ""}}
	for _, f := range e.Fields {
		field := GoldenField{
			Name: f.Name, Title: f.Title, English: f.English, Element: f.Element.ID, ElementTitle: f.Element.Title,
			Type: e.Layout.Columns[f.Index].Type.String(), Level: f.Element.Level, Group: f.Group, Codes: codesOf(f.Element), Sources: []Source{},
		}
		if table != nil {
			field.Sources = c.sources(table, f)
		}
		out.Fields = append(out.Fields, field)
		described[f.Name] = ViewField{f.Name, f.Title, f.Element.Kind, f.Element.ID, ""}
	}
	for _, v := range e.Views {
		out.Views = append(out.Views, view(v, described))
	}
	for _, r := range c.catalogue.Rules {
		if r.Entity == e.ID {
			out.Rules = append(out.Rules, rule(r))
		}
	}
	return out, nil
}

// sources returns the candidates of a field, or of its lock-step group.
func (c *Catalog) sources(table *schemas.AuthorityTable, f *schemas.GoldenField) []Source {
	candidates, ok := table.Sources[f.Name]
	if !ok {
		candidates = table.Sources[f.Group]
	}
	out := []Source{}
	for _, candidate := range candidates {
		if _, has := candidate.Columns[f.Name]; !has && len(candidate.Columns) > 0 {
			if _, fixed := candidate.Constant[f.Name]; !fixed {
				continue // this source of the group leaves the field empty
			}
		}
		s := Source{Dataset: candidate.Dataset, Role: candidate.Role, Pick: candidate.Pick, Flag: candidate.Flag, SameRank: candidate.SameRank}
		if d, err := c.catalogue.Dataset(candidate.Dataset); err == nil {
			s.DatasetTitle, s.Department, s.DepartmentTitle = d.Title, d.Provider.ID, d.Provider.Title
		}
		out = append(out, s)
	}
	return out
}
