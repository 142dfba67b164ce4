package synthetic

import (
	"context"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Reread says how it is read again: the city is a function of its seed; a trial reads the first copy.
var Reread = connectors.Reread{Dry: func(ctx context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
	src, err := Open(ctx, cfg, after)
	if s, ok := src.(*source); ok && err == nil {
		s.options.End, s.options.Correct = true, false
	}
	return src, err
}}
