package redis

import (
	"context"
	"fmt"
	"log/slog"

	goredis "github.com/redis/go-redis/v9"
)

// clientLog takes the client library's own lines, which it would else write to
// standard error in a form of its own, between ours. They are of each connection;
// what comes of them the store says itself, so they are for who asks for details.
// The library has one logger a process: the store that was opened last has it.
type clientLog struct{ log *slog.Logger }

func hearClient(log *slog.Logger) { goredis.SetLogger(clientLog{log}) }

func (l clientLog) Printf(ctx context.Context, format string, args ...any) {
	if l.log.Enabled(ctx, slog.LevelDebug) {
		l.log.DebugContext(ctx, "redis client", "said", fmt.Sprintf(format, args...))
	}
}
