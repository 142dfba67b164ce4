package certificate

import (
	"crypto/x509"
	"fmt"
	"time"
)

// Authorities are certificates that are trusted.
type Authorities struct{ all []read }

// ParseAuthorities reads a file of certificates that are trusted, in PEM: all of it, or
// none. Anything else in it but text is an error: whoever put it there believes in what
// would not happen.
func ParseAuthorities(text []byte) (*Authorities, error) {
	all, err := blocks(text)
	if err != nil {
		return nil, err
	}
	out, err := certificates(all, false)
	return &Authorities{out}, err
}

// Pool returns them for a configuration of TLS.
func (a *Authorities) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	for _, one := range a.all {
		pool.AddCert(one.Certificate)
	}
	return pool
}

// Notes tells in one note which of them are not valid at a time: nobody is believed by
// those. It is void if none is left.
func (a *Authorities) Notes(now time.Time) []Note {
	var out []Note
	for _, one := range a.all {
		if note, invalid := one.note(now); invalid {
			out = append(out, note)
		}
	}
	if len(out) == 0 {
		return nil
	}
	first := Note{out[0].Text, len(out) == len(a.all)}
	if more := len(out) - 1; more > 0 {
		first.Text += fmt.Sprintf("；同样的还有 %[1]d 段 / ; and %[1]d more are not valid", more)
	}
	return []Note{first}
}
