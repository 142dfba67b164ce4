package certificate

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

var (
	errNoKey   = errors.New("文件中没有私钥 / the file holds no private key")
	errTwoKeys = errors.New("文件中不止一把私钥，请只留证书的那一把 / the file holds more than one private key: leave the certificate's alone")
)

// Pair is a certificate, those between it and its authority, and its key.
type Pair struct {
	TLS    tls.Certificate // Leaf is set
	chain  []read
	useful int // those behind are roots that nobody asks for
}

// ParsePair reads a certificate with its chain, and its key, in PEM: the leaf first, each
// that follows signs one before it. Roots at the end may be any. One file may be both.
// Validity is not looked at: see Notes.
func ParsePair(cert, key []byte) (*Pair, error) {
	leafs, err := blocks(cert)
	if err != nil {
		return nil, inCert(err)
	}
	chain, err := certificates(leafs, bytes.Equal(cert, key))
	if err != nil {
		return nil, inCert(err)
	}
	signer, err := parseKey(key)
	if err != nil {
		return nil, &fileError{true, err}
	}
	if err := held(chain, signer.Public()); err != nil {
		return nil, inCert(err)
	}
	p := &Pair{TLS: tls.Certificate{PrivateKey: signer, Leaf: chain[0].Certificate}, chain: chain}
	if p.useful, err = linked(chain); err != nil {
		return nil, inCert(err)
	}
	for _, one := range chain {
		p.TLS.Certificate = append(p.TLS.Certificate, one.Raw)
	}
	return p, nil
}

// fileError says in which of two files something is wrong.
type fileError struct {
	key bool
	err error
}

func inCert(err error) error { return &fileError{false, err} }

func (e *fileError) Error() string {
	if e.key {
		return "私钥文件 / the file of the key: " + e.err.Error()
	}
	return "证书文件 / the file of the certificate: " + e.err.Error()
}

func (e *fileError) Unwrap() error { return e.err }

func parseKey(text []byte) (crypto.Signer, error) {
	all, err := blocks(text)
	if err != nil {
		return nil, err
	}
	var found crypto.Signer
	for _, b := range all {
		switch {
		case !b.private():
			if b.parameters() || b.kind == "CERTIFICATE" {
				continue
			}
			return nil, b.fault(fmt.Sprintf("是 %.40q，不是私钥", b.kind), fmt.Sprintf("is %.40q, not a private key", b.kind))
		case b.locked:
			return nil, b.fault("的私钥有口令：用 openssl pkey -in FILE -out FILE.pem 去掉，并限制文件权限", "is a key under a passphrase: take it off by openssl pkey -in FILE -out FILE.pem, and restrict who may read the file")
		case found != nil:
			return nil, errTwoKeys
		}
		if found = b.signer(); found == nil {
			return nil, b.fault("不是能用的私钥（损坏，或是不支持的算法）", "is no private key that can be used (damaged, or of an algorithm that is not supported)")
		}
	}
	if found == nil {
		return nil, errNoKey
	}
	return found, nil
}

// signer reads a key in whichever form it has; nil if it is none. What is wrong with a
// key is not said in detail: it would be of the key.
func (b block) signer() crypto.Signer {
	if k, err := x509.ParsePKCS8PrivateKey(b.der); err == nil {
		s, _ := k.(crypto.Signer) // nil: keys of agreement sign nothing
		return s
	}
	if k, err := x509.ParsePKCS1PrivateKey(b.der); err == nil {
		return k
	}
	if k, err := x509.ParseECPrivateKey(b.der); err == nil {
		return k
	}
	return nil
}

// held holds the key against the leaf.
func held(chain []read, public crypto.PublicKey) error {
	of := func(r read) bool {
		k, ok := r.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		return ok && k.Equal(public)
	}
	if of(chain[0]) {
		return nil
	}
	for _, r := range chain[1:] {
		if of(r) {
			return r.at.fault("才是私钥的证书，它须排在最前，后面是签发它的", "is the certificate of the key: it comes first, and then those that sign it")
		}
	}
	return chain[0].at.fault("的证书与私钥不成对：两个文件须同时换", "and the key are no pair: replace both files together")
}

// Ends is when the first of the certificates ends that clients need: the leaf, or one
// between it and its root.
func (p *Pair) Ends() time.Time {
	ends := p.chain[0].NotAfter
	for _, r := range p.needed()[1:] {
		if r.NotAfter.Before(ends) {
			ends = r.NotAfter
		}
	}
	return ends
}

// needed are the leaf and those between it and a root: clients have roots of their own.
func (p *Pair) needed() []read {
	n := p.useful
	for n > 1 && p.chain[n-1].root() {
		n--
	}
	return p.chain[:n]
}

// Notes tells what is not valid at a time, and what is sent for nothing.
func (p *Pair) Notes(now time.Time) []Note {
	var out []Note
	for _, r := range p.needed() {
		if note, invalid := r.note(now); invalid {
			out = append(out, note)
		}
	}
	for _, r := range p.chain[p.useful:] {
		out = append(out, Note{Text: r.at.fault("是没有签发前面任何一张的根证书，可去掉", "is a root that signs none before it, and can be taken out").Error()})
	}
	return out
}
