// Package fill keeps the cache level with the shared topics. It starts from what
// the cache itself says it holds, so a restart loses and repeats nothing, and an
// emptied cache is filled again from the start.
//
// Metrics: yiyuan_gateway_materialised_total{view}, yiyuan_gateway_rebuilds_total{cause}.
package fill

import (
	"context"
	"log/slog"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/fold"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Bus is what the cache is filled from; *bus.Bus is.
type Bus interface {
	fold.Bus
	EndOffsets(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error)
	StableOffsets(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error)
}

// Cache is what is filled.
type Cache interface {
	store.Sink
	store.Generations
}

// Parts are what a cache is filled with.
type Parts struct {
	Views map[string]*view.View
	// Lineage says which records are of the views as they are now; nil = all are.
	Lineage *schemas.Lineage
	Bus     Bus
	Cache   Cache
	Guard   *fold.Guard // between the records and the cache
	Logger  *slog.Logger
	Linger  time.Duration // how long a replaced generation stays for readers that have not noticed
}
