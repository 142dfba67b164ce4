package settings

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"time"
)

// Soon is how long before its end a certificate is to be renewed.
const Soon = 14 * 24 * time.Hour

// Trust is whom a client believes, and what it shows, where TLS is spoken.
type Trust struct{ CA, Cert, Key string }

// Client returns what asks with it.
func (t Trust) Client() (*http.Client, error) {
	if t == (Trust{}) {
		return &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}, nil
	}
	config, err := t.config("--ca", "--cert", "--cert-key")
	if err != nil {
		return nil, err
	}
	return WithTLS(config), nil
}

// config reads the files; where they are named by the operator is for errors.
func (t Trust) config(ca, cert, certKey string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		text, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("%s: CA 证书文件读不了 / read the authority: %w", ca, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s: %s 中没有证书 / holds no certificate", ca, t.CA)
		}
	}
	if (t.Cert == "") != (t.Key == "") {
		return nil, fmt.Errorf("%s 与 %s 须一起给出 / give both together", cert, certKey)
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("%s: 客户端证书用不了 / the client certificate cannot be used: %w", cert, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
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
