// Package certificate reads the PEM files of TLS, for whoever listens and whoever calls:
// certificates that are trusted (ParseAuthorities), and a certificate with its chain and
// key (ParsePair). Every setting of TLS is read by it, so that a file which is right for
// one is right for all.
//
// A file is taken whole or not at all: a block that is cut, of another kind than belongs
// there, or that cannot be parsed is an error that says block, line and what to do. No
// text says what stands in a certificate or key.
package certificate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Limit is how large a file may be, in bytes.
const Limit = 1 << 20

var errTooLarge = errors.New("文件大于 1 MiB，不像证书 / the file is larger than 1 MiB: that is no certificate")

// File is a file and the setting or flag that names it, for errors.
type File struct{ Setting, Path string }

// Fault says of an error which setting and file it is about.
func (f File) Fault(err error) error { return fmt.Errorf("%s: %q: %w", f.Setting, f.Path, err) }

// Note says of a note which setting and file it is about.
func (f File) Note(n Note) Note {
	return Note{fmt.Sprintf("%s: %q: %s", f.Setting, f.Path, n.Text), n.Void}
}

func (f File) read() ([]byte, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, fmt.Errorf("%s: 文件读不了 / the file cannot be read: %w", f.Setting, err)
	}
	defer file.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(file, Limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: 文件读不了 / the file cannot be read: %w", f.Setting, err)
	case len(text) > Limit:
		return nil, f.Fault(errTooLarge)
	}
	return text, nil
}

// Files are what a client of TLS believes and shows. An empty path is not set.
type Files struct{ CA, Cert, Key File }

// Client is what the files of a client hold.
type Client struct {
	Authorities *Authorities // nil = the system's
	Pair        *Pair        // nil = none is shown
	files       Files
}

// Load reads the files, each whole or not at all.
func (f Files) Load() (*Client, error) {
	c := &Client{files: f}
	if f.CA.Path != "" {
		text, err := f.CA.read()
		if err != nil {
			return nil, err
		}
		if c.Authorities, err = ParseAuthorities(text); err != nil {
			return nil, f.CA.Fault(err)
		}
	}
	if (f.Cert.Path == "") != (f.Key.Path == "") {
		return nil, fmt.Errorf("%[1]s 与 %[2]s 须一起给出 / give %[1]s and %[2]s together", f.Cert.Setting, f.Key.Setting)
	}
	if f.Cert.Path == "" {
		return c, nil
	}
	cert, err := f.Cert.read()
	if err != nil {
		return nil, err
	}
	key, err := f.Key.read()
	if err != nil {
		return nil, err
	}
	if c.Pair, err = ParsePair(cert, key); err != nil {
		return nil, Named(err, f.Cert, f.Key)
	}
	return c, nil
}

// Named puts before an error of ParsePair which of the two files is wrong.
func Named(err error, cert, key File) error {
	switch e, ok := errors.AsType[*fileError](err); {
	case ok && e.key:
		return key.Fault(e.err)
	case ok:
		return cert.Fault(e.err)
	}
	return err
}

// Config returns what a client speaks TLS 1.2 and newer by.
func (c *Client) Config() *tls.Config {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.Authorities != nil {
		out.RootCAs = c.Authorities.Pool()
	}
	if c.Pair != nil {
		out.Certificates = []tls.Certificate{c.Pair.TLS}
	}
	return out
}

// Notes tells what is not valid at a time, and what stands there for nothing, by setting
// and file.
func (c *Client) Notes(now time.Time) []Note {
	var out []Note
	add := func(f File, notes []Note) {
		for _, n := range notes {
			out = append(out, f.Note(n))
		}
	}
	if c.Authorities != nil {
		add(c.files.CA, c.Authorities.Notes(now))
	}
	if c.Pair != nil {
		add(c.files.Cert, c.Pair.Notes(now))
	}
	return out
}
