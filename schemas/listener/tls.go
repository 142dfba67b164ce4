package listener

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/certificate"
	"github.com/yiyuan-bus/yiyuan/schemas/watched"
)

// lookEvery is how often the files of a certificate are looked at.
const lookEvery = 500 * time.Millisecond

// Files are what a listener speaks TLS with, as PEM.
type Files struct {
	Cert, Key string
	ClientCA  string // authorities whose clients are known by their certificates; "" = none are
	Demand    bool   // with ClientCA: who shows no certificate of these authorities gets no connection
}

// TLS is the certificate of a listener. It is followed: what the files hold is
// in force within seconds, for connections that come then, and without
// disturbing those that are there.
type TLS struct {
	files  []*watched.File
	named  []certificate.File
	demand bool
	texts  [][]byte // certificates, key, authorities
	now    atomic.Pointer[tlsState]
}

type tlsState struct {
	config      *tls.Config
	pair        *certificate.Pair
	authorities *certificate.Authorities // nil = none
}

// ErrExpired says that a certificate is not, or no longer, valid.
var ErrExpired = errors.New("证书已过期或尚未生效 / the certificate has expired or is not valid yet")

// OpenTLS reads the files. A chain that has expired, in whole or in part, is taken,
// and is for the caller to tell (Expires, Notes): clients refuse it, and a process
// that did not start would answer nobody.
func OpenTLS(f Files) (*TLS, error) {
	t := &TLS{demand: f.Demand}
	for _, named := range []certificate.File{{Setting: "cert", Path: f.Cert}, {Setting: "key", Path: f.Key}, {Setting: "client_ca", Path: f.ClientCA}} {
		if named.Path == "" && len(t.files) == 2 {
			break
		}
		file, text, err := watched.Open(named.Path, certificate.Limit)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", named.Setting, err)
		}
		t.files, t.named, t.texts = append(t.files, file), append(t.named, named), append(t.texts, text)
	}
	state, err := t.read()
	if err != nil {
		return nil, err
	}
	t.now.Store(state)
	return t, nil
}

// read makes what the texts say.
func (t *TLS) read() (*tlsState, error) {
	pair, err := certificate.ParsePair(t.texts[0], t.texts[1])
	if err != nil {
		return nil, certificate.Named(err, t.named[0], t.named[1]) //nolint:wrapcheck // it names setting and file
	}
	next := &tlsState{pair: pair, config: &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair.TLS}, NextProtos: []string{"http/1.1"},
		// Who resumes a session is not asked for a certificate again: with authorities
		// that change, each connection shows its own.
		SessionTicketsDisabled: true,
	}}
	if len(t.texts) > 2 {
		if next.authorities, err = certificate.ParseAuthorities(t.texts[2]); err != nil {
			return nil, t.named[2].Fault(err)
		}
		next.config.ClientCAs, next.config.ClientAuth = next.authorities.Pool(), tls.VerifyClientCertIfGiven
		if t.demand {
			next.config.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	return next, nil
}

// Leaf returns the certificate in force.
func (t *TLS) Leaf() *x509.Certificate { return t.now.Load().pair.TLS.Leaf }

// Expires returns when the first certificate ends of the chain in force.
func (t *TLS) Expires() time.Time { return t.now.Load().pair.Ends() }

// Notes tells what is not valid, at a time, of what is in force, and what stands in its
// files for nothing.
func (t *TLS) Notes(now time.Time) []certificate.Note {
	state := t.now.Load()
	var out []certificate.Note
	for _, n := range state.pair.Notes(now) {
		out = append(out, t.named[0].Note(n))
	}
	if state.authorities != nil {
		for _, n := range state.authorities.Notes(now) {
			out = append(out, t.named[2].Note(n))
		}
	}
	return out
}

// Follow looks at the files until ctx ends. What they come to hold is put in
// force, unless it is unreadable, no pair, no chain or expired: then the pair before
// stays so, and tell hears why, and nil once all is well again. used hears of what is
// put in force.
func (t *TLS) Follow(ctx context.Context, used func(), tell func(error)) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	unread := make([]error, len(t.files))
	said := ""
	var bad error
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		changed := false
		for i, f := range t.files {
			f.Look(ctx, func(text []byte) error {
				t.texts[i], unread[i], changed = text, nil, true
				return nil
			}, func(err error) { unread[i] = err })
		}
		// A pair is written in two steps: all files have been looked at before it is judged.
		if changed {
			if bad = t.replace(); bad == nil {
				used()
			}
		}
		err := errors.Join(append(slices.Clone(unread), bad)...)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != said {
			said = text
			tell(err)
		}
	}
}

func (t *TLS) replace() error {
	next, err := t.read()
	if err != nil {
		return err
	}
	for _, n := range next.pair.Notes(time.Now()) {
		if n.Void {
			return fmt.Errorf("%w: %s", ErrExpired, t.named[0].Note(n).Text)
		}
	}
	t.now.Store(next)
	return nil
}

// Certificate is who a client's certificate says it is: the authority that the
// listener trusts has signed it.
type Certificate struct {
	until time.Time
	names []string
}

// Names are those that an application can be registered under: its fingerprint
// (sha256: and hexadecimal digits, of the whole certificate), and the URIs
// (uri:) and host names (dns:) in it. None once the certificate has expired.
func (c *Certificate) Names(now time.Time) []string {
	if c == nil || now.After(c.until) {
		return nil
	}
	return c.names
}

// certificateOf is the client's certificate on a connection, nil if it showed none.
func certificateOf(state *tls.ConnectionState) *Certificate {
	if len(state.VerifiedChains) == 0 || len(state.PeerCertificates) == 0 {
		return nil
	}
	leaf := state.PeerCertificates[0]
	sum := sha256.Sum256(leaf.Raw)
	c := &Certificate{until: leaf.NotAfter, names: []string{"sha256:" + hex.EncodeToString(sum[:])}}
	for _, u := range leaf.URIs {
		c.names = append(c.names, "uri:"+u.String())
	}
	for _, name := range leaf.DNSNames {
		c.names = append(c.names, "dns:"+strings.ToLower(name)) // as access compares them
	}
	return c
}
