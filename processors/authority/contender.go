package authority

import (
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Condition tells whether a row counts. It is compiled from a candidate's CEL.
type Condition func(*claim.Row) bool

// candidate is one source of a decision, its columns found.
type candidate struct {
	dataset  *schemas.Dataset
	role     string
	columns  []int // by position in decision.fields: column of the dataset, -1 null
	elements []*schemas.Element
	constant []schemas.Value // by position in decision.fields, where columns is -1
	where    Condition       // nil: all rows
	by       Reason          // Latest, Earliest or Newest
	on       []int           // the columns by compares, the first that is not null
	then     [][]int         // the same for rows that are equal in on, one list after the other
	flag     string
}

// contender is one row that speaks about a decision.
type contender struct {
	row  *claim.Row
	from *candidate
	rank int
	on   schemas.Value // what the pick compares, Null if the row has none
}
