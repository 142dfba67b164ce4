// Package dsn reads of a connection string of PostgreSQL whether it holds a password, and the files of TLS that it names:
// the driver takes of a file what it can parse.
package dsn

import (
	"bytes"
	"errors"
	"net/url"
	"os"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/certificate"
)

var errMarked = errors.New("文件开头有字节序标记，驱动读不了第一段：另存为不带 BOM 的 UTF-8 / the file begins with a byte order mark, and the driver does not see its first block: save it without")

// HasPassword reports whether a connection string holds a password.
func HasPassword(text string) bool {
	if u, err := url.Parse(text); err == nil && u.User != nil {
		_, set := u.User.Password()
		return set || u.Query().Has("password")
	}
	return strings.Contains(strings.ToLower(text), "password")
}

// CheckCertificates reads the files of TLS that a connection string or the environment
// names as all others are read. An error names the keyword or variable and the file, and
// nothing else of the string.
func CheckCertificates(text string) error {
	set := keywords(text)
	file := func(key string) certificate.File {
		f := certificate.File{Setting: "option \"dsn\": " + key, Path: set[key]}
		if f.Path == "" {
			if f.Path = os.Getenv("PG" + strings.ToUpper(key)); f.Path != "" {
				f.Setting = "PG" + strings.ToUpper(key)
			}
		}
		return f
	}
	files := certificate.Files{CA: file("sslrootcert"), Cert: file("sslcert"), Key: file("sslkey")}
	if set["sslmode"] == "disable" {
		return nil
	}
	if files.CA.Path == "system" { // what libpq calls the system's
		files.CA.Path = ""
	}
	if set["sslcertmode"] == "disable" || file("sslpassword").Path != "" { // not shown; a key under a passphrase is the driver's to read
		files.Cert.Path, files.Key.Path = "", ""
	}
	if _, err := files.Load(); err != nil {
		return err //nolint:wrapcheck // it names setting and file
	}
	for _, f := range []certificate.File{files.CA, files.Cert, files.Key} {
		if f.Path == "" {
			continue
		}
		text, err := os.ReadFile(f.Path)
		if err == nil && bytes.HasPrefix(text, []byte("\uFEFF")) {
			err = errMarked
		}
		if err != nil {
			return f.Fault(err) //nolint:wrapcheck // as above
		}
	}
	return nil
}

// keywords are what a connection string of either form sets. What is no such string sets
// nothing here, and is the driver's to refuse.
func keywords(text string) map[string]string {
	out := map[string]string{}
	if strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://") {
		_, query, _ := strings.Cut(text, "?")
		for set := range strings.SplitSeq(query, "&") {
			key, value, _ := strings.Cut(set, "=")
			if plain, err := url.PathUnescape(value); err == nil { // a plus is none here
				out[key] = plain
			}
		}
		return out
	}
	for rest := strings.TrimSpace(text); rest != ""; {
		key, value, found := strings.Cut(rest, "=")
		if !found {
			break
		}
		var plain string
		plain, rest = unquoted(strings.TrimLeft(value, " \t\r\n"))
		out[strings.TrimSpace(key)] = plain
		rest = strings.TrimLeft(rest, " \t\r\n")
	}
	return out
}

// unquoted returns the value at the beginning of a text, and what is behind it.
func unquoted(text string) (value, rest string) {
	quoted := strings.HasPrefix(text, "'")
	if quoted {
		text = text[1:]
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case quoted && c == '\'', !quoted && strings.IndexByte(" \t\r\n", c) >= 0:
			return b.String(), text[i+1:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
