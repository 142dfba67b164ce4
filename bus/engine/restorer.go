package engine

import "github.com/yiyuan-bus/yiyuan/bus/internal/kafka"

// Restorer builds the local state of partitions of a step from its changelog. Its
// methods may be called for several partitions at a time, and for one of them by
// one caller. ErrHandedOver says of each that the partition is another's by now, and
// that nothing was changed.
type Restorer interface {
	// Position begins to restore a partition. It returns the changelog offset up to
	// which its state has been built; negative if it must be built from the start.
	Position(partition int32) (int64, error)
	// Apply takes in committed changelog records; next is the offset after them. Unless
	// more is known to follow, the state must be whole when it returns: before, some of
	// it may be kept back.
	Apply(partition int32, records []kafka.Record, next int64, more bool) error
	// Reset forgets a partition's local state, and what of it is kept back.
	Reset(partition int32) error
}
