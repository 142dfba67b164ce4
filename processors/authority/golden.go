package authority

import (
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// maxLosers bounds what a cell tells about losers, for entities with very many rows.
const maxLosers = 16

// Golden is an entity's golden record and the story of each of its cells.
type Golden struct {
	Values []schemas.Value // by position in Entity.Layout; the first is the key
	Cells  []Cell          // of the fields that are not null, in the entity's order
	Exists bool            // at least one field is not null

	// Memory that ResolveInto uses again.
	losers        []Loser
	all, excluded []contender
	seen          []*claim.Row
}

// Cell says where one field's value comes from.
type Cell struct {
	Field   *schemas.GoldenField
	Dataset *schemas.Dataset
	Role    string
	Row     string
	Rule    string // "v1 HYZKDM/1": version, field or group, rank from 1
	Reason  Reason
	Flag    string // 非权威 and the like, "" if none
	At      int64  // source commit time of the row, milliseconds
	Losers  []Loser
}

// Loser is a claim that spoke about the cell and was not taken.
type Loser struct {
	Dataset *schemas.Dataset
	Row     string
	Reason  Reason
	Value   schemas.Value
	Element *schemas.Element // of Value
}
