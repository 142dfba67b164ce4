// Package grants is where applications and their grants come from: the file
// access.yaml, watched (schemas/watched).
//
// A change of the file is in force within a second, with ten thousand
// applications too. A file that cannot be used is told loudly, and what was in
// force before stays in force.
package grants

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/watched"
)

// maxFile bounds access.yaml, in bytes.
const maxFile = 64 << 20

// File is an access file in force. One Watch at a time may use it.
type File struct {
	path   string
	file   *watched.File
	parser parser
}

// State is what is known of the file.
type State struct {
	Err          error // why the file as it is cannot be used; nil if it is in force
	Applications int   // in force
}

// Load reads the file and puts it in force.
func Load(path string, c *schemas.Catalogue) (*File, *access.Access, error) {
	f := &File{path: path}
	file, text, err := watched.Open(path, maxFile)
	if err != nil {
		return nil, nil, f.failed(err)
	}
	f.file = file
	a, err := access.New(c, nil)
	if err == nil {
		err = f.replace(a, text)
	}
	if err != nil {
		return nil, nil, err
	}
	return f, a, nil
}

func (f *File) failed(err error) error { return fmt.Errorf("load access file %q: %w", f.path, err) }

// Watch looks at the file until ctx ends, puts its changes in force in a, and
// says what it finds at the start and whenever that changes.
func (f *File) Watch(ctx context.Context, a *access.Access, log *slog.Logger, report func(State)) {
	report(State{nil, a.Len()})
	use := func(text []byte) error {
		if err := f.replace(a, text); err != nil {
			return err
		}
		log.Info("access file is in force", "file", f.path, "applications", a.Len(), "read", f.parser.fresh)
		report(State{nil, a.Len()})
		return nil
	}
	f.file.Follow(ctx, use, func(err error) {
		if err != nil {
			log.Error("access file cannot be used, the rules before it stay in force", "file", f.path, "error", err)
		}
		report(State{err, a.Len()})
	})
}

func (f *File) replace(a *access.Access, text []byte) error {
	apps, err := f.parser.parse(text)
	if err == nil {
		err = a.Replace(apps)
	}
	if err != nil {
		return f.failed(located(f.path, text, err))
	}
	return nil
}
