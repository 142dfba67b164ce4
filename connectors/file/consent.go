package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// Consent answers about a file that is held, by its ordinal as the status tells it, as
// a person does who puts <ordinal>.accept or <ordinal>.refuse into the folder. An answer
// that is younger than the file counts, and no other.
func Consent(cfg connectors.Config, item string, accept bool) error {
	var o Options
	if err := cfg.Read(&o); err != nil {
		return err
	}
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return fmt.Errorf("open drop folder: %w", bare(err))
	}
	defer root.Close() //nolint:errcheck // a folder
	b := &inbox{root: root, options: o}
	claims, err := b.claims(processing)
	if err != nil {
		return err
	}
	for _, c := range claims {
		if number := fmt.Sprintf("%0*d", ordinalWidth, c.ordinal); number == item {
			return b.consent(number, accept)
		}
	}
	return fmt.Errorf("answer about file %q: %w", item, connectors.ErrNotHeld)
}

// consent writes an answer, anew if there is one, and takes back the other.
func (b *inbox) consent(number string, accept bool) error {
	said, other := number+acceptSuffix, number+refuseSuffix
	if !accept {
		said, other = other, said
	}
	for _, name := range []string{other, said} {
		if err := b.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("take back an answer: %w", bare(err))
		}
	}
	f, err := b.root.OpenFile(said, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the answer: %w", bare(err))
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the answer: %w", bare(err))
	}
	return nil
}
