package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
)

// trust is whom a client believes, and what it shows, where TLS is spoken.
type trust struct{ ca, cert, certKey string }

// client returns what asks with it.
func (t trust) client() (*http.Client, error) {
	if t == (trust{}) {
		return &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}, nil
	}
	config, err := t.config("--ca", "--cert", "--cert-key")
	if err != nil {
		return nil, err
	}
	return withTLS(config), nil
}

// config reads the files; where they are named by the operator is for errors.
func (t trust) config(ca, cert, certKey string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.ca != "" {
		text, err := os.ReadFile(t.ca)
		if err != nil {
			return nil, fmt.Errorf("%s: CA 证书文件读不了 / read the authority: %w", ca, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s: %s 中没有证书 / holds no certificate", ca, t.ca)
		}
	}
	if (t.cert == "") != (t.certKey == "") {
		return nil, fmt.Errorf("%s 与 %s 须一起给出 / give both together", cert, certKey)
	}
	if t.cert != "" {
		pair, err := tls.LoadX509KeyPair(t.cert, t.certKey)
		if err != nil {
			return nil, fmt.Errorf("%s: 客户端证书用不了 / the client certificate cannot be used: %w", cert, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func withTLS(config *tls.Config) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	return &http.Client{Transport: transport}
}

// pinned returns a client that believes a listener of this machine by the very
// certificate in its file, whoever signed it; nil if it speaks plain text.
func (f listenerTLS) pinned() (*http.Client, error) {
	own, err := f.open()
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
	return withTLS(config), nil
}

// soon is how long before its end a certificate is to be renewed.
const soon = 14 * day

// certificates looks at when the listeners' certificates end, and who may read their keys.
func (d *doctor) certificates(now time.Time) []finding {
	var found []finding
	doors := d.cfg.doors()
	for _, name := range slices.Sorted(maps.Keys(doors)) {
		f := d.cfg.Listeners.files(name)
		check := "tls." + name
		own, err := f.open()
		switch {
		case err != nil: // the configuration was read a moment ago, and it with it
			found = append(found, problemFound(check, "证书用不了 / the certificate cannot be used: "+terminal.FirstLine(err), "改 listeners.tls / mend listeners.tls"))
			continue
		case own == nil && !onThisMachine(doors[name]):
			found = append(found, warning(check, doors[name]+" 以明文对外（listeners.plaintext: true）/ speaks plain text beyond this machine",
				"设 listeners.tls.cert 与 key；前面另有 TLS 时可留着 / set listeners.tls.cert and key, unless something in front speaks TLS"))
			continue
		case own == nil:
			continue
		}
		ends, renew := own.Expires().Format(time.DateTime), "换上新的证书与私钥文件，几秒内生效，不必重启 / put new files in place: they are in force within seconds, without a restart"
		switch left := own.Expires().Sub(now); {
		case left <= 0:
			found = append(found, problemFound(check, "证书已过期 / the certificate has expired: "+ends, renew))
		case left < soon:
			found = append(found, warning(check, "证书即将过期 / the certificate ends soon: "+ends, renew))
		default:
			found = append(found, fine(check, "证书有效至 / the certificate lasts until "+ends))
		}
		if info, err := os.Stat(f.Key); err == nil && info.Mode().Perm()&0o007 != 0 {
			found = append(found, problemFound(check, fmt.Sprintf("私钥文件人人可读(%v)/ anybody can read the private key", info.Mode().Perm()), "chmod 600 "+f.Key))
		}
	}
	return found
}
