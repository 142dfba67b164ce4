package grants

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

type fileApplication struct {
	ID         string      `yaml:"id"`
	Title      string      `yaml:"title"`
	Department string      `yaml:"department"`
	KeyDigest  string      `yaml:"key_digest"`
	Certs      []string    `yaml:"certificates"`
	Until      string      `yaml:"until"`
	Purposes   []string    `yaml:"purposes"`
	Grants     []fileGrant `yaml:"grants"`
}

type fileGrant struct {
	View     string   `yaml:"view"`
	Fields   []string `yaml:"fields"`
	Purposes []string `yaml:"purposes"`
	Until    string   `yaml:"until"`
	Quota    int      `yaml:"quota"`
}

// errEmpty says that a file names nobody. A file that is just being written is
// empty too; who means it writes it.
var errEmpty = errors.New("文件中没有 applications；要撤销全部授权请写 applications: [] / the file has no applications; write applications: [] to revoke all")

// Parse reads access.yaml. An unknown key is an error that says its line.
func Parse(text []byte) ([]access.Application, error) {
	var doc struct {
		Applications *[]fileApplication `yaml:"applications"`
	}
	text, err := document.One(text)
	if err == nil {
		err = bounded(text)
	}
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("parse: %s", yaml.FormatError(err, false, false))
	}
	if doc.Applications == nil {
		return nil, errEmpty
	}
	var out []access.Application
	var problems []error
	for _, f := range *doc.Applications {
		app, err := f.application()
		out, problems = append(out, app), append(problems, err)
	}
	return out, errors.Join(problems...)
}

func (f *fileApplication) application() (access.Application, error) {
	app := access.Application{ID: f.ID, Title: f.Title, Department: f.Department, Purposes: f.Purposes, Certificates: f.Certs}
	var problems []error
	var err error
	if f.KeyDigest == "" && len(f.Certs) > 0 {
		// a certificate stands for the key
	} else if app.KeyDigest, err = parseDigest(f.KeyDigest); err != nil {
		problems = append(problems, fmt.Errorf("application %q: key_digest: %w", f.ID, err))
	}
	if app.Until, err = parseUntil(f.Until); err != nil {
		problems = append(problems, fmt.Errorf("application %q: until: %w", f.ID, err))
	}
	for _, g := range f.Grants {
		until, err := parseUntil(g.Until)
		if err != nil {
			problems = append(problems, fmt.Errorf("application %q: grant of %q: until: %w", f.ID, g.View, err))
		}
		if g.Quota < 0 {
			problems = append(problems, fmt.Errorf("application %q: grant of %q: quota is negative", f.ID, g.View))
		}
		if len(g.Fields) == 0 {
			problems = append(problems, fmt.Errorf("application %q: grant of %q names no field", f.ID, g.View))
		}
		app.Grants = append(app.Grants, access.Grant{View: g.View, Fields: g.Fields, Purposes: g.Purposes, Until: until, Quota: g.Quota})
	}
	return app, errors.Join(problems...)
}

// parseDigest reads "sha256:" and 64 hexadecimal digits.
func parseDigest(text string) ([32]byte, error) {
	var out [32]byte
	digits, ok := strings.CutPrefix(text, "sha256:")
	if !ok || len(digits) != 64 {
		return out, errors.New("want sha256: and 64 hexadecimal digits")
	}
	if _, err := hex.Decode(out[:], []byte(digits)); err != nil {
		return out, errors.New("want sha256: and 64 hexadecimal digits")
	}
	return out, nil
}

// parseUntil reads a day (its end, in China) or a moment (RFC 3339).
func parseUntil(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, schemas.Zone); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("want a day 2026-12-31 or a moment in RFC 3339")
	}
	return t, nil
}
