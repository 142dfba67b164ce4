package grants

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	yamlfile "github.com/goccy/go-yaml/parser"

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
		return nil, fmt.Errorf("parse: %w", document.Syntax(err))
	}
	file, err := yamlfile.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", document.Syntax(err))
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, errEmpty
	}
	body := file.Docs[0].Body
	if wrong := misfits(append(Form.Strangers(body), Form.Misfits(body)...)); len(wrong) > 0 {
		return nil, wrong
	}
	if err := yaml.NewDecoder(bytes.NewReader(nil), yaml.Strict()).DecodeFromNode(body, &doc); err != nil {
		return nil, fmt.Errorf("parse: %w", document.Syntax(err))
	}
	if doc.Applications == nil {
		return nil, errEmpty
	}
	var out []access.Application
	var faults access.FaultErrors
	for i, f := range *doc.Applications {
		out = append(out, f.application(func(path, text string) {
			faults = append(faults, &access.FaultError{Application: i, ID: f.ID, Path: path, Text: text})
		}))
	}
	return out, faults.Or()
}

func (f *fileApplication) application(fail func(path, text string)) access.Application {
	app := access.Application{ID: f.ID, Title: f.Title, Department: f.Department, Purposes: f.Purposes, Certificates: f.Certs}
	var err error
	if f.KeyDigest == "" && len(f.Certs) > 0 {
		// a certificate stands for the key
	} else if app.KeyDigest, err = parseDigest(f.KeyDigest); err != nil {
		fail("key_digest", fmt.Sprintf("key_digest: %v", err))
	}
	if app.Until, err = parseUntil(f.Until); err != nil {
		fail("until", fmt.Sprintf("until: %v", err))
	}
	for i, g := range f.Grants {
		at := fmt.Sprintf("grants[%d]", i)
		until, err := parseUntil(g.Until)
		if err != nil {
			fail(at+".until", fmt.Sprintf("对 %[1]q 的授权：until: %[2]v / grant of %[1]q: until: %[2]v", g.View, err))
		}
		if len(g.Fields) == 0 {
			fail(at, fmt.Sprintf("对 %[1]q 的授权没有字段；全部字段写 [\"*\"] / grant of %[1]q names no field; all of them are [\"*\"]", g.View))
		}
		app.Grants = append(app.Grants, access.Grant{View: g.View, Fields: g.Fields, Purposes: g.Purposes, Until: until, Quota: g.Quota})
	}
	return app
}

// parseDigest reads "sha256:" and 64 hexadecimal digits.
func parseDigest(text string) ([32]byte, error) {
	var out [32]byte
	digits, ok := strings.CutPrefix(text, "sha256:")
	if !ok || len(digits) != 64 {
		return out, errors.New("应为 sha256: 和 64 位十六进制数字 / want sha256: and 64 hexadecimal digits")
	}
	if _, err := hex.Decode(out[:], []byte(digits)); err != nil {
		return out, errors.New("应为 sha256: 和 64 位十六进制数字 / want sha256: and 64 hexadecimal digits")
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
		return time.Time{}, errors.New("应为日期 2026-12-31 或 RFC 3339 的时刻 / want a day 2026-12-31 or a moment in RFC 3339")
	}
	return t, nil
}
