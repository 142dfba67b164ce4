// Package process is what a running process consists of: what it opens, in which order, the parts that it runs and when it ends.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
)

// Process is one process: what it was told, what it opened, in the order of opening. Close undoes it in reverse. What stands in it does not
// change once New has returned, but for Clock and Group, which are set before the first part is started.
type Process struct {
	cfg        settings.Config
	Log        *slog.Logger
	Metrics    *prometheus.Registry
	settings   *prometheus.GaugeVec // of files that are followed
	catalogues *prometheus.GaugeVec // which one runs, is in force, is in the folder
	folder     Folder               // as it is configured
	Catalogue  *schemas.Catalogue   // in force when this process started
	topics     contract.Identities  // as this process found or made them
	Keys       *keyring.Keyring
	Brokers    []string
	broker     *embedded.Broker // nil = brokers elsewhere
	Bus        *bus.Bus
	kafka      *reach // nil = it is taken to answer
	Codec      *codec.Codec
	schemas    *registry.Registry // nil = an outside one
	Steps      []processors.Step
	gateway    *gateway.Gateway // nil = another process answers
	Clock      func() time.Time // of the steps; nil = the system's
	shared     listener.Shared  // of all listeners
	Group      *errgroup.Group  // of the parts that run
	closers    []func()
}

// Close closes what New has opened. All parts have ended before.
func (a *Process) Close() {
	for i := len(a.closers) - 1; i >= 0; i-- {
		a.closers[i]()
	}
	a.closers = nil
}

func (a *Process) defers(f func()) { a.closers = append(a.closers, f) }

// start runs a part of the process until its context ends; the first failure
// ends them all.
func (a *Process) start(ctx context.Context, name string, f func(ctx context.Context) error) {
	a.Group.Go(func() error {
		err := f(ctx)
		if err == nil || ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
			return nil
		}
		return fmt.Errorf("%s: %w", name, err)
	})
}

// persist does something that lasts; if the bus fails it begins again. What cannot get
// better, bus.ErrConfig, ends it.
func (a *Process) persist(ctx context.Context, what string, do func(context.Context) error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := do(ctx)
		if errors.Is(err, bus.ErrConfig) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(&backoff.ExponentialBackOff{InitialInterval: 100 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 5 * time.Second}),
		backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
			a.Log.Warn("cannot be followed, beginning again", "what", what, "error", err)
		}))
	return err
}
