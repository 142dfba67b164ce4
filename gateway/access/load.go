package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// maxFile bounds access.yaml.
const maxFile = 8 << 20

type fileApplication struct {
	ID         string      `yaml:"id"`
	Title      string      `yaml:"title"`
	Department string      `yaml:"department"`
	KeyDigest  string      `yaml:"key_digest"`
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

// Parse reads access.yaml. An unknown key is an error that says its line.
func Parse(text []byte) ([]Application, error) {
	var doc struct {
		Applications []fileApplication `yaml:"applications"`
	}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("parse: %s", yaml.FormatError(err, false, false))
	}
	var out []Application
	var problems []error
	for _, f := range doc.Applications {
		app := Application{ID: f.ID, Title: f.Title, Department: f.Department, Purposes: f.Purposes}
		var err error
		if app.KeyDigest, err = ParseDigest(f.KeyDigest); err != nil {
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
			app.Grants = append(app.Grants, Grant{View: g.View, Fields: g.Fields, Purposes: g.Purposes, Until: until, Quota: g.Quota})
		}
		out = append(out, app)
	}
	return out, errors.Join(problems...)
}

// shanghai is the zone of dates without one.
var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// parseUntil reads a day (its end, in China) or a moment (RFC 3339).
func parseUntil(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, shanghai); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("want a day 2026-12-31 or a moment in RFC 3339")
	}
	return t, nil
}

// Load reads the file and puts it in force.
func Load(path string, c *schemas.Catalogue) (*Access, error) {
	apps, _, err := read(path)
	if err != nil {
		return nil, err
	}
	a, err := New(c, apps)
	if err != nil {
		return nil, fmt.Errorf("load access file %q: %w", path, err)
	}
	return a, nil
}

func read(path string) ([]Application, [32]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, [32]byte{}, fmt.Errorf("load access file %q: %w", path, err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, [32]byte{}, fmt.Errorf("load access file %q: %w", path, err)
	}
	if len(text) > maxFile {
		return nil, [32]byte{}, fmt.Errorf("load access file %q: larger than %d bytes", path, maxFile)
	}
	apps, err := Parse(text)
	if err != nil {
		return nil, [32]byte{}, fmt.Errorf("load access file %q: %w", path, err)
	}
	return apps, sha256.Sum256(text), nil
}

// Watch looks at the file every interval until ctx ends and puts a change in
// force. It compares the content, so a file system without notifications or
// with coarse times will do. A file that cannot be used is reported by an
// Error and what was in force stays.
func (a *Access) Watch(ctx context.Context, path string, interval time.Duration, log *slog.Logger) {
	if interval <= 0 {
		interval = 500 * time.Millisecond
	}
	_, last, err := read(path)
	if err != nil {
		last = [32]byte{}
	}
	failed := ""
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		apps, digest, err := read(path)
		if err == nil && digest == last {
			failed = ""
			continue
		}
		if err == nil {
			err = a.Replace(apps)
		}
		if err != nil {
			if text := err.Error(); text != failed {
				failed = text
				log.Error("access file cannot be used, the rules before it stay in force", "file", path, "error", err)
			}
			continue
		}
		last, failed = digest, ""
		log.Info("access file is in force", "file", path, "applications", len(apps))
	}
}
