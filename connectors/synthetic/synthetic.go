// Package synthetic is a made-up city: the thirteen departments of Yunling as
// live sources, one Source a department, so that each can be stopped alone.
//
// All rows are functions of a seed, a size and a base day; nothing is stored,
// and the largest city needs no more memory than the smallest. Twenty people, a
// few enterprises and buildings form a block; a department's source first sends
// its rows block by block, then (Options.Correct) corrections that mend every
// second planted contradiction, and then neutral changes for ever at a rate.
// The position is an index into that stream: a source opened at any position of
// it goes on with exactly the same changes, on whatever day.
//
// What a bus must cope with is planted: contradictions for every rule of the
// sample city, and traps that look like one on the way (a fix in the same
// second, a revoked death, corrected keys, an older image after the newer one,
// duplicates, yesterday's batch once more, a row of another schema). WriteTruth
// writes what must be found and how every row must end; see README.md. Nothing
// else contradicts: what is not in the truth must not be found.
//
// Privacy by construction: identity numbers and credit codes have region 5399xx
// (unassigned), telephones are 1990000xxxx, bank cards 629999..., plates 云Z.....
package synthetic

import (
	"context"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Kind is the kind of source that makes its rows up. To read one again is to open it again,
// since the city is a function of its seed; a trial reads the first copy.
var Kind = connectors.Kind{
	Name:    "synthetic",
	Chinese: "编造的城市：云岭的十三个部门作为实时数据源，一部门一源，可分别停止",
	English: "a made-up city: the thirteen departments of Yunling as live sources, one source a department, so that each can be stopped alone",
	Options: func() option.Declarer { return new(settings) },
	Fits:    fits,
	Open:    Live,
	Reread:  connectors.Reread{Dry: dry},
}

func dry(ctx context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
	src, err := Open(ctx, cfg, after)
	if s, ok := src.(*source); ok && err == nil {
		s.options.End, s.options.Correct = true, false
	}
	return src, err
}

// Open opens the source of one department; it is a connectors.Open.
func Open(ctx context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
	return open(ctx, cfg, after, time.Now)
}
