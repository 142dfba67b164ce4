package process

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
)

// UnreachableError says that no broker answers, or another's registry does not.
type UnreachableError struct{ Err error }

func (e *UnreachableError) Error() string { return e.Err.Error() }

// Unwrap returns why.
func (e *UnreachableError) Unwrap() error { return e.Err }

// patience is how long brokers may be asked before whoever waits is told.
const patience = 3 * time.Second

// OpenBus connects to brokers as the configuration says, and tells on standard error if
// that takes long. Its error is an UnreachableError.
func OpenBus(ctx context.Context, c settings.Bus, brokers []string, log *slog.Logger, reg prometheus.Registerer) (*bus.Bus, error) {
	done := Waiting(os.Stderr, patience, brokers)
	defer done()
	b, err := bus.Open(ctx, bus.Config{
		Brokers: brokers, Prefix: c.Prefix, Partitions: c.Partitions, Replication: c.Replication,
		TransactionTimeout: c.TransactionTimeout, SessionTimeout: c.SessionTimeout,
		TLS:  bus.TLS{Enabled: c.TLS.Enabled, Files: c.TLS.Files(), ServerName: c.TLS.Server},
		SASL: bus.SASL{Mechanism: c.SASL.Mechanism, User: c.SASL.User, Password: c.SASL.Password},
	}, log, reg)
	if err != nil {
		return nil, &UnreachableError{err}
	}
	return b, nil
}

// Waiting says after a while that brokers have not answered yet, unless it is told
// before that they have. What it returns waits until nothing more is written.
func Waiting(to io.Writer, after time.Duration, brokers []string) (done func()) {
	ended := make(chan struct{})
	quiet := make(chan struct{})
	go func() {
		defer close(quiet)
		select {
		case <-ended:
		case <-time.After(after):
			at := strings.Join(brokers, ",")
			_, _ = fmt.Fprintf(to, "yiyuan: 等待 Kafka %s 回答… / waiting for Kafka at %s…\n", at, at) // only said, not needed
		}
	}()
	return func() {
		close(ended)
		<-quiet
	}
}
