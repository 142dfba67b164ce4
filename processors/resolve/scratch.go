package resolve

import (
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// scratch is memory that the parts of a stage use for the entity in hand.
type scratch struct {
	buffer []byte
	slab   schemas.Slab // of decoded rows and records to write
	arena  processors.Arena
}
