package state

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
)

// checkManifest reads the list of tables to its end. Pebble takes a tail of it
// that cannot be read for one that was being written when the power went, and goes
// on without: if it was damaged later, the logs of the tables named there have gone
// long ago, and rows would be missing in silence. So a manifest that does not end
// well is ErrDamaged, whatever the reason.
func checkManifest(fs vfs.FS, dir string) (err error) {
	name, err := atomicfs.ReadMarker(fs, dir, "manifest")
	if name == "" || err != nil {
		return nil // no database there, or one that pebble itself has to refuse
	}
	f, err := fs.Open(fs.PathJoin(dir, name))
	if err != nil {
		return nil // the same
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for r := record.NewReader(f, 0); ; {
		edit, err := r.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, edit)
		} else if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
		}
	}
}

// ErrDamaged says that what is on the disk is not what was written there.
var ErrDamaged = errors.New("state is damaged")
