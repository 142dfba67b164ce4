package registry

import (
	"context"
	"errors"
	"time"
)

// Log is an ordered log of keys and values, kept for ever but for records whose
// key has a later one. A nil value deletes its key. Append returns once the
// record is durable. Replay shows all records from the first to the last as of
// the call, and returns; Follow shows all from the first, then every new one as
// it comes, until ctx ends or show fails. Both show records in log order.
type Log interface {
	Append(ctx context.Context, key, value []byte) error
	Replay(ctx context.Context, show func(key, value []byte) error) error
	Follow(ctx context.Context, show func(key, value []byte) error) error
}

// ErrUnavailable says that the log did not take a write, or did not show it
// again in time. The write may still take effect.
var ErrUnavailable = errors.New("模式注册日志不可用，请稍后重试 / schema log unavailable, try again")

// commitTimeout is how long a write may take to come back from the log: a process that starts
// while brokers do, on a machine that is busy, ends if it does not. clientTimeout is how long
// whoever asks over HTTP waits for an answer.
const (
	commitTimeout = time.Minute
	clientTimeout = 15 * time.Second
)
