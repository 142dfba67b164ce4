package verification

import (
	"errors"

	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/condition"
)

// ErrRule says that a rule does not compile.
var ErrRule = errors.New("bad rule")

// Set holds the compiled rules of one entity. It is immutable; an Evaluator of
// it is not safe for concurrent use.
type Set struct {
	entity      *schemas.Entity
	calendar    *schemas.Calendar
	keys        masking.Keys
	place       *masking.Place // where findings show values
	subject     masking.Show   // of an entity's key
	env         *condition.Env
	variables   []variable
	cases       []*compiled
	byName      map[string]int
	inputs      map[string][]int // "GA01/role", "golden", "agg.x" -> cases
	readsGolden bool
	owner       string // provider of the first aggregated dataset, for entities nothing else speaks about
}

// compiled is one case of one rule, ready to run.
type compiled struct {
	rule     *schemas.Rule
	c        *schemas.Case
	name     string // XV-04/paid
	when     *condition.Expression
	until    *condition.Expression // nil: never by time alone
	evidence []exhibit
	doubts   []exhibit // instead of when: the fields that may hold what their element doubts
	awaits   []string  // datasets whose first complete copy it waits for: see absence.go
}

// exhibit is one thing a finding shows.
type exhibit struct {
	name    string // field, or name of the aggregate
	dataset *schemas.Dataset
	role    string
	roles   bool // of any role
	column  int  // of the dataset's layout, of the golden record or of the aggregates
	golden  bool
	sum     *schemas.Aggregate
	scale   int // of sum
	show    masking.Show
}

// variable is what one name of the environment stands for.
type variable struct {
	name    string
	kind    variableKind
	dataset *schemas.Dataset
	roles   []string // of rows: the roles it lists
}

type variableKind uint8

const (
	rowsVariable variableKind = iota
	goldenVariable
	aggregateVariable
	keyVariable
	nowVariable
	todayVariable
)
