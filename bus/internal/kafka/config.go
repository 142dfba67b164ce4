package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/yiyuan-bus/yiyuan/schemas/certificate"
)

// Config says how Kafka is reached. The zero value of a field is its default.
type Config struct {
	Brokers            []string      // host:port
	Prefix             string        // in front of every topic, group and transactional id
	Replication        int           // copies of a topic it creates; 1
	Partitions         int           // partitions of a topic it creates; 4
	ClientID           string        // yiyuan
	TransactionTimeout time.Duration // an open transaction of a dead process is aborted after this; 10 s
	SessionTimeout     time.Duration // a silent member loses its partitions after this; 15 s, must exceed TransactionTimeout
	TLS                TLS
	SASL               SASL
	// Dialer replaces the network, for simulations.
	Dialer func(ctx context.Context, network, addr string) (net.Conn, error)
}

// TLS says how brokers are trusted and how we show who we are.
type TLS struct {
	Enabled    bool
	Files      certificate.Files // read when a client is made
	ServerName string            // "" = the address
}

// SASL is how we log in: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; "" = not at all.
type SASL struct{ Mechanism, User, Password string }

// DefaultTransactionTimeout is Config.TransactionTimeout where none is set.
const DefaultTransactionTimeout = 10 * time.Second

// ErrConfig marks a configuration that cannot work.
var ErrConfig = errors.New("bus configuration error")

func (c Config) withDefaults() (Config, error) {
	if c.Replication == 0 {
		c.Replication = 1
	}
	if c.Partitions == 0 {
		c.Partitions = 4
	}
	if c.ClientID == "" {
		c.ClientID = "yiyuan"
	}
	if c.TransactionTimeout == 0 {
		c.TransactionTimeout = DefaultTransactionTimeout
	}
	if c.SessionTimeout == 0 {
		c.SessionTimeout = 15 * time.Second
	}
	switch {
	case len(c.Brokers) == 0:
		return c, fmt.Errorf("没有 Kafka 地址 / no brokers are named: %w", ErrConfig)
	case c.TransactionTimeout >= c.SessionTimeout:
		// A hung commit must die before the member does, or its partitions would
		// move while the commit may still succeed.
		return c, fmt.Errorf("transaction timeout %v 必须小于 / must be below session timeout %v: %w", c.TransactionTimeout, c.SessionTimeout, ErrConfig)
	case c.Replication < 1 || c.Partitions < 1:
		return c, fmt.Errorf("replication %d, partitions %d: 都至少为 1 / both must be at least 1: %w", c.Replication, c.Partitions, ErrConfig)
	}
	return c, nil
}

// retryAfter is how long a client waits after that many failures in a row. The
// first ones pass at once: what a broker refuses is most often a transaction
// begun while it still writes the markers of the one before, and the client's
// own quarter of a second would be most of what a change takes on its way.
func retryAfter(failures int) time.Duration {
	const least, most = 10 * time.Millisecond, 2 * time.Second
	wait := least << min(max(failures-1, 0), 8)
	return min(wait, most) * time.Duration(80+rand.IntN(41)) / 100
}

// options are what every client of the bus shares.
func (c Config) options() ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...), kgo.ClientID(c.ClientID), kgo.DialTimeout(5 * time.Second),
		kgo.RetryBackoffFn(retryAfter), kgo.ConcurrentTransactionsBackoff(5 * time.Millisecond),
		kgo.MetadataMinAge(metadataMinAge),
	}
	if c.TLS.Enabled {
		t, err := c.TLS.config()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(t))
	}
	if c.Dialer != nil {
		opts = append(opts, kgo.Dialer(c.Dialer))
	}
	if c.SASL.Mechanism != "" {
		m, err := c.SASL.mechanism()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(m))
	}
	return opts, nil
}

func (t TLS) config() (*tls.Config, error) {
	client, err := t.Files.Load()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrConfig)
	}
	out := client.Config()
	out.ServerName = t.ServerName
	return out, nil
}

func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "PLAIN":
		return plain.Auth{User: s.User, Pass: s.Password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: s.User, Pass: s.Password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: s.User, Pass: s.Password}.AsSha512Mechanism(), nil
	}
	return nil, fmt.Errorf("SASL mechanism %q: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512: %w", s.Mechanism, ErrConfig)
}
