package process

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
)

// OpenBus connects to brokers as the configuration says.
func OpenBus(ctx context.Context, c settings.Bus, brokers []string, log *slog.Logger, reg prometheus.Registerer) (*bus.Bus, error) {
	return bus.Open(ctx, bus.Config{
		Brokers: brokers, Prefix: c.Prefix, Partitions: c.Partitions, Replication: c.Replication,
		TransactionTimeout: c.TransactionTimeout, SessionTimeout: c.SessionTimeout,
		TLS:  bus.TLS{Enabled: c.TLS.Enabled, CA: c.TLS.CA, Cert: c.TLS.Cert, Key: c.TLS.Key, ServerName: c.TLS.Server},
		SASL: bus.SASL{Mechanism: c.SASL.Mechanism, User: c.SASL.User, Password: c.SASL.Password},
	}, log, reg)
}
