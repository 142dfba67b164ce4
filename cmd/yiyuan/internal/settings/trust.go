package settings

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/certificate"
)

// Soon is how long before its end a certificate is to be renewed.
const Soon = 14 * 24 * time.Hour

// Trust is whom a command believes, and what it shows, where TLS is spoken.
type Trust struct{ CA, Cert, Key string }

// Client returns what asks with it. What has expired is refused here, rather than by the
// other side in its words.
func (t Trust) Client() (*http.Client, error) {
	if t == (Trust{}) {
		return &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}, nil
	}
	read, err := files("--", t.CA, "cert", t.Cert, "cert-key", t.Key).Load()
	if err != nil {
		return nil, err //nolint:wrapcheck // it names flag and file
	}
	for _, n := range read.Notes(time.Now()) {
		if n.Void {
			return nil, errors.New(n.Text)
		}
	}
	return WithTLS(read.Config()), nil
}

// files names what is set, below a prefix, for errors.
func files(prefix, ca, certName, cert, keyName, key string) certificate.Files {
	return certificate.Files{
		CA:   certificate.File{Setting: prefix + "ca", Path: ca},
		Cert: certificate.File{Setting: prefix + certName, Path: cert}, Key: certificate.File{Setting: prefix + keyName, Path: key},
	}
}

// Files are those that brokers are believed by.
func (t BrokersTLS) Files() certificate.Files {
	return files("bus.tls.", t.CA, "cert", t.Cert, "key", t.Key)
}

// Files are those that Redis is believed by.
func (t RedisTLS) Files() certificate.Files {
	return files("gateway.redis_tls.", t.CA, "cert", t.Cert, "key", t.Key)
}

// Services are the files of TLS of each service that a process with these roles calls by
// it: "bus", "redis".
func (c *Config) Services() map[string]certificate.Files {
	out := map[string]certificate.Files{}
	if c.Bus.TLS.Enabled {
		out["bus"] = c.Bus.TLS.Files()
	}
	if c.Has(RoleGateway) && strings.HasPrefix(c.Gateway.Redis, "rediss:") {
		out["redis"] = c.Gateway.RedisTLS.Files()
	}
	return out
}

// checkServices refuses files that cannot be used, before a handshake fails by them.
func (c *Config) checkServices() error {
	services := c.Services()
	for _, name := range slices.Sorted(maps.Keys(services)) {
		if _, err := services[name].Load(); err != nil {
			return err //nolint:wrapcheck // it names setting and file
		}
	}
	return nil
}

// Pinned returns what asks a listener of this machine by its own certificate, as
// ListenerTLS.Pinned, and shows the certificate of the command.
func (t Trust) Pinned(f ListenerTLS) (*http.Client, error) {
	pinned, err := f.Pinned()
	if err != nil {
		return nil, err
	}
	t.CA = "" // the listener's own certificate stands for it
	asks, err := t.Client()
	if err != nil || pinned == nil {
		return asks, err
	}
	if shows := asks.Transport.(*http.Transport).TLSClientConfig; shows != nil {
		pinned.Transport.(*http.Transport).TLSClientConfig.Certificates = shows.Certificates
	}
	return pinned, nil
}

// WithTLS returns what asks by a configuration of TLS.
func WithTLS(config *tls.Config) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	return &http.Client{Transport: transport}
}

// Pinned returns a client that believes a listener of this machine by the very
// certificate in its file, whoever signed it; nil if it speaks plain text.
func (f ListenerTLS) Pinned() (*http.Client, error) {
	own, err := f.Open("")
	if own == nil || err != nil {
		return nil, err
	}
	leaf := own.Leaf()
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	config.RootCAs.AddCert(leaf)
	switch {
	case len(leaf.DNSNames) > 0:
		config.ServerName = leaf.DNSNames[0]
	case len(leaf.IPAddresses) > 0:
		config.ServerName = leaf.IPAddresses[0].String()
	}
	return WithTLS(config), nil
}
