// Package listenertest makes certificates for tests: an authority of their own,
// servers and clients that it has signed.
package listenertest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates.
type Authority struct {
	tb   testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	PEM  []byte // its own certificate
	next int64
}

// Signed is a certificate and its key, as PEM.
type Signed struct {
	Cert, Key []byte
	Leaf      *x509.Certificate
}

// New returns an authority.
func New(tb testing.TB) *Authority {
	tb.Helper()
	a := &Authority{tb: tb, next: 1}
	a.key = a.newKey()
	template := a.template(time.Now().Add(time.Hour))
	template.Subject.CommonName = "authority" // OpenSSL takes one that is called as its authority for self-signed
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	a.cert, a.PEM = a.sign(template, template, &a.key.PublicKey)
	return a
}

// Below returns an authority that this one has signed, until a time.
func (a *Authority) Below(until time.Time) *Authority {
	a.tb.Helper()
	b := &Authority{tb: a.tb, next: 1, key: a.newKey()}
	template := a.template(until)
	template.Subject.CommonName = "authority below"
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	b.cert, b.PEM = a.sign(template, a.cert, &b.key.PublicKey)
	return b
}

// With returns a certificate with others behind it in its file.
func (s Signed) With(chain ...*Authority) Signed {
	s.Cert = bytes.Clone(s.Cert)
	for _, a := range chain {
		s.Cert = append(s.Cert, a.PEM...)
	}
	return s
}

func (a *Authority) newKey() *ecdsa.PrivateKey {
	a.tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.tb.Fatal(err)
	}
	return key
}

func (a *Authority) template(until time.Time) *x509.Certificate {
	a.next++
	return &x509.Certificate{
		SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func (a *Authority) sign(template, parent *x509.Certificate, key *ecdsa.PublicKey) (*x509.Certificate, []byte) {
	a.tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, a.key)
	if err != nil {
		a.tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.tb.Fatal(err)
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func (a *Authority) signed(template *x509.Certificate) Signed {
	a.tb.Helper()
	key := a.newKey()
	leaf, cert := a.sign(template, a.cert, &key.PublicKey)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.tb.Fatal(err)
	}
	return Signed{cert, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), leaf}
}

// Server returns a certificate of this machine that ends at a time.
func (a *Authority) Server(until time.Time) Signed {
	a.tb.Helper()
	t := a.template(until)
	t.DNSNames, t.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	return a.signed(t)
}

// Client returns a certificate of a client that has URIs and host names.
func (a *Authority) Client(until time.Time, uris, names []string) Signed {
	a.tb.Helper()
	t := a.template(until)
	t.DNSNames = names
	for _, text := range uris {
		u, err := url.Parse(text)
		if err != nil {
			a.tb.Fatal(err)
		}
		t.URIs = append(t.URIs, u)
	}
	return a.signed(t)
}

// Write puts a certificate and its key into a folder as two files, each whole
// from one moment to the next.
func (s Signed) Write(tb testing.TB, dir string) (cert, key string) {
	tb.Helper()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	Put(tb, key, s.Key)
	Put(tb, cert, s.Cert)
	return cert, key
}

// Put writes a file whole.
func Put(tb testing.TB, path string, text []byte) {
	tb.Helper()
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		tb.Fatal(err)
	}
}

// Trust returns what a client trusts the authority by, and shows if it is to show
// a certificate.
func (a *Authority) Trust(shows ...Signed) *tls.Config {
	a.tb.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	out := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	for _, s := range shows {
		pair, err := tls.X509KeyPair(s.Cert, s.Key)
		if err != nil {
			a.tb.Fatal(err)
		}
		out.Certificates = append(out.Certificates, pair)
	}
	return out
}
