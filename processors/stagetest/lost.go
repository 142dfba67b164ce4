package stagetest

import (
	"context"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

// younger is a registry that has lost every schema below an id.
type younger struct {
	*codec.Memory
	from int
}

func (y younger) Register(ctx context.Context, subject, schema string) (int, error) {
	id, err := y.Memory.Register(ctx, subject, schema)
	return id + y.from, err
}

func (y younger) Schema(ctx context.Context, id int) (string, error) {
	if id <= y.from {
		return "", fmt.Errorf("schema %d: %w", id, codec.ErrUnknownSchema)
	}
	return y.Memory.Schema(ctx, id-y.from)
}

// LoseSchemas makes the city one whose registry has lost all that was registered:
// what is written from now on has other ids. Stages must be made again.
func (c *City) LoseSchemas() {
	c.Registry = younger{codec.NewMemory(), 10_000}
	c.Codec = codec.New(c.Registry)
	clear(c.readers)
	clear(c.writers)
}
