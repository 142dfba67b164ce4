package schemas

import (
	"errors"
	"fmt"
	"time"
)

// ErrUnknown says that the catalogue holds nothing of that name.
var ErrUnknown = errors.New("unknown in the catalogue")

// Catalogue is a city's data-sharing contract: departments, data elements,
// datasets, entities, rules and purposes, read from one folder of YAML.
type Catalogue struct {
	City        City
	Departments []*Department
	Elements    []*Element
	Datasets    []*Dataset
	Entities    []*Entity
	Rules       []*Rule
	CodeRules   []*Rule // found without being written: codes that are in no set, numbers whose check does not hold; a rule of each a dataset
	CodeSets    []*CodeSet
	Purposes    []*Purpose
	Version     string   // 12 hexadecimal digits of the digest of all files; header "cat"
	Calendar    Calendar // working days
	Warnings    []Problem

	departments map[string]*Department
	elements    map[string]*Element
	datasets    map[string]*Dataset
	entities    map[string]*Entity
	views       map[string]*View
	purposes    map[string]*Purpose
	codeSets    map[string]*CodeSet
}

// City is city.yaml.
type City struct {
	Name    string        // 云岭市
	English string        // Yunling
	Region  string        // 539900
	Regions []Region      // districts, for addresses and codes
	Clocks  []ClockConfig // legal time limits in working days, by name ("dispute": 10)
}

// Region is one administrative division under the city.
type Region struct {
	Code string // 539902
	Name string // 岭东区
	// Towns are the 街道 and 乡镇 names an address is cut to when masked.
	Towns []string
}

// ClockConfig is one legal time limit.
type ClockConfig struct {
	Name string
	Days int // working days
}

// Department is one line of departments.yaml.
type Department struct {
	ID      string // GA
	Title   string // 公安局
	English string
	Code    string // its 统一社会信用代码
}

// Element is a data element (数据元): how a field is typed, validated,
// normalised, graded and masked unless the dataset says otherwise.
type Element struct {
	ID        string
	Title     string
	English   string
	Kind      string // the built-in validator, see package element
	Type      Type
	Precision int
	Scale     int
	MaxLength int      // in characters; 0 = the kind's own limit
	Codes     []Code   // of kind "code": the values of the code set
	Set       *CodeSet // of kind "code": the set of codes/ that Codes are of, nil if they are its own
	Level     string   // L1..L4
	Mask      string   // default mask rule of views that do not name one, "" = clear
	Standard  string   // GB 11643-1999, ...
	Min, Max  *float64 // of numbers
	Past      bool     // of dates and times: what is dated has happened, so a value after today is none
	PartOf    string   // element id of the identifier that contains this value (a birth date: the citizen's number), "" if none
	Contains  string   // element id of the identifier that values are made of (a disability card's number: the citizen's number), "" if none
	Form      string   // of kind "identifier": the form of numbers that carry a check of their own (identifier.Documents), "" if none

	known map[string]struct{} // the values of Codes
	form  codeShape
}

// Code is one value of a code set.
type Code struct{ Value, Title, English string }

// Dataset is one datasets/<id>.yaml: a department's table as it is shared.
type Dataset struct {
	ID       string // GA01
	Title    string
	English  string
	Provider *Department
	Code     string // 政务信息资源代码
	Class    string // A 无条件 / B 有条件 / C 不予共享
	Basis    string // class C: the law that says so
	Cycle    string // realtime daily weekly monthly quarterly halfyear yearly
	System   string // 所属系统: the system that holds it
	Returned bool   // 回流: that system is the province's or the nation's, which gives the city its rows back
	Format   string // 信息资源格式: database spreadsheet file document image stream service
	Summary  string // 摘要
	Key      []string
	Links    []Link // the entities its rows speak about
	FoundBy  []Link // by which of them a code of no set is found; a row that has none of them must not hold one
	Fields   []*Field
	Views    []*View
	Layout   *Layout // of raw.<id>: namespace yiyuan.raw, one column a field, in order
	KeyIndex []int   // positions of the key fields in Layout
	File     string  // where it was read, for messages
}

// Link says that a row speaks about an entity.
type Link struct {
	Entity string // person, enterprise, ...
	Key    string // field that holds the entity's key
	Role   string // "" for the row's own subject; "legal_rep", "spouse1", ... else
	Index  int    // position of Key in the dataset's layout
}

// Field is one column of a dataset.
type Field struct {
	Name     string
	Title    string
	English  string
	Element  *Element
	Level    string // L1..L4, the element's unless stated
	Nullable bool
	Source   bool // ★ this dataset is the accountable source (数源) of the field
	Index    int  // position in the dataset's layout
}

// View is a masked projection of a dataset or an entity: one topic
// shared.<owner>.<name>, one gateway view <owner>.<name>.
type View struct {
	ID       string // GA01.partial, person.partial
	Owner    string // dataset id or entity id
	Name     string // partial
	Title    string
	Audience string // whose tokens these are; key derivation label; "" = the view itself
	Only     string // "" or "verify": keyed digests only, answers yes or no
	Fields   []ViewField
	Embed    []Embed // of an entity view: rows about the entity
	Layout   *Layout // of the shared topic's value
	KeyMask  bool    // the owner's key is masked here, so the record key is a keyed token
	Level    string  // highest level of what it shows
	Dataset  *Dataset
	Entity   *Entity
}

// ViewField is one field of a view. Mask "" is clear.
type ViewField struct {
	Name  string // column of the owner's layout, same name in the view's layout
	Mask  string // mask rule id: partial district band year age suppress token digest ...
	Type  Type   // of the masked value
	Index int    // position of Name in the owner's layout (Dataset.Layout or Entity.Layout)

	// Screened says that the field holds what people write and is clear only because its
	// element has no mask: nobody decided so. The numbers of persons in it are hidden.
	Screened bool
}

// Embed puts the rows of a dataset that speak about the entity into its view
// (a person's vehicles), as a Rows column named as the dataset.
type Embed struct {
	Dataset *Dataset
	Role    string
	Fields  []ViewField
	Layout  *Layout
	Max     int // rows shown; 0 = 100
}

// Entity is one entities/<id>.yaml: what the golden record of a person or an
// enterprise holds and which department each cell comes from.
type Entity struct {
	ID         string // person
	Title      string
	English    string
	Key        EntityKey
	Fields     []*GoldenField
	Authority  []AuthorityTable // versions, oldest first; Current chooses
	Aggregates []*Aggregate
	Views      []*View
	Layout     *Layout // of the golden record: namespace yiyuan.resolved, key column first, then Fields
	File       string

	resolved *Layout // what ResolvedLayout returns, built by Load
}

// EntityKey is the key column of an entity.
type EntityKey struct {
	Name    string
	Title   string
	Element *Element
}

// GoldenField is one cell of a golden record. All are nullable.
type GoldenField struct {
	Name    string
	Title   string
	English string
	Element *Element
	Group   string // lock-step group: its members all come from the same claim
	Level   string // the highest of the element's and of the fields it may come from
	Index   int    // position in the entity's layout
}

// AuthorityTable says, from a day on, which source each field comes from.
type AuthorityTable struct {
	Version   int
	Effective time.Time
	Basis     string
	Sources   map[string][]Candidate // golden field (or group name) -> ranked candidates
}

// Candidate is one source of a golden field (of a lock-step group: one source
// of all its fields), in rank order: the first that has a value wins.
type Candidate struct {
	Dataset  string
	Role     string
	Columns  map[string]string // golden field -> dataset field
	Constant map[string]string // golden field -> fixed value, where the dataset says it by existing
	Where    string            // CEL over `row`: which rows count, "" = all
	Pick     string            // "latest FIELD", "earliest FIELD" (FIELD|FIELD: the first that is not null; FIELD,FIELD: the second where rows are equal in the first), "newest" (source commit time); "" = newest; ties by row key; see PickBy
	Flag     string            // "" or a mark the cell carries when this candidate wins, e.g. 非权威
	SameRank bool              // competes with the candidate before it instead of ranking below it: Pick decides among both
}

// Aggregate counts or sums an entity's rows without keeping them in reach: for
// unbounded links (an enterprise's employees). Claims of the dataset and role
// are not loaded with the dossier.
type Aggregate struct {
	Name    string // variable in rules: agg.<name>
	Dataset string
	Role    string
	Where   string // CEL over `row`
	Sum     string // field to sum; "" counts rows
}

// Rule is one rules/<id>.yaml: a cross-check of departments' words (互核互校).
type Rule struct {
	ID       string // XV-04
	Title    string
	English  string
	Entity   string
	Severity string // high medium low
	Basis    string
	Advice   string // 处理建议
	Cases    []*Case
	File     string
}

// Case is one way a rule can be broken, with the department that must act.
type Case struct {
	ID       string        // unique in the rule; finding id = digest of rule, case and subject
	Inputs   []string      // "GA01", "SC01/legal_rep" (dataset/role), "golden", "agg.insured": the case is evaluated when one of them changed
	When     string        // CEL, true = contradiction
	Owner    string        // department id
	Evidence []string      // "RS02.DYZTDM", "golden.SWRQ": shown masked
	Settle   time.Duration // must hold this long before the finding opens (absence rules), 0 = at once
	Until    string        // CEL timestamp at which When may become true by time alone; a timer re-evaluates
	Days     int           // working days until due
	Doubts   []string      // of a CodeRule, instead of When: the fields that may hold what Element.Doubts
	// Certainty is how sure the case can be: Contradiction, or ToConfirm where
	// what happened elsewhere, which the city cannot know, may explain it.
	Certainty string
}

// The certainties of a case.
const (
	Contradiction = "contradiction" // two departments cannot both be right
	ToConfirm     = "to_confirm"    // 待核实: may be lawful, somebody must look
)

// Purpose is one line of purposes.yaml: what a lookup may be for.
type Purpose struct {
	ID        string
	Title     string
	English   string
	Basis     string
	Scenarios []string
}

// Calendar knows working days.
type Calendar struct {
	Holidays map[string]string // 2026-10-01 -> 国庆节
	Workdays map[string]string // weekend days worked (调休)
}

// Problem is one thing wrong in a catalogue, with its place.
type Problem struct {
	File    string
	Line    int
	Column  int
	Rule    string // stable id of the check, e.g. "unknown-element"
	Message string // Chinese first, then English, with what to do
	Warning bool
}

// Dataset returns the dataset of that id, or ErrUnknown.
func (c *Catalogue) Dataset(id string) (*Dataset, error) { return find(c.datasets, "dataset", id) }

// Entity returns the entity of that id, or ErrUnknown.
func (c *Catalogue) Entity(id string) (*Entity, error) { return find(c.entities, "entity", id) }

// View returns the view of that id ("GA01.partial", "person.partial"), or ErrUnknown.
func (c *Catalogue) View(id string) (*View, error) { return find(c.views, "view", id) }

// Department returns the department of that id, or ErrUnknown.
func (c *Catalogue) Department(id string) (*Department, error) {
	return find(c.departments, "department", id)
}

// Element returns the data element of that id, or ErrUnknown.
func (c *Catalogue) Element(id string) (*Element, error) { return find(c.elements, "element", id) }

// Purpose returns the purpose of that id, or ErrUnknown.
func (c *Catalogue) Purpose(id string) (*Purpose, error) { return find(c.purposes, "purpose", id) }

func find[T any](m map[string]*T, what, id string) (*T, error) {
	if v, ok := m[id]; ok {
		return v, nil
	}
	return nil, fmt.Errorf("%s %q: %w", what, id, ErrUnknown)
}
