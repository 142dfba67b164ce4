package file

import (
	"fmt"
	"os"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// Consent answers about a file that is held, by its ordinal as the status tells it, as
// a person does who puts <ordinal>.accept or <ordinal>.refuse into the folder. An answer
// that is younger than the file counts, and no other. Where a refused file is owed, refuse
// says that it is dealt with; it cannot be accepted as it is.
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
	b := &box{root: root}
	claims, err := b.claims(processing)
	if err != nil {
		return err
	}
	for _, c := range claims {
		if number := fmt.Sprintf("%0*d", ordinalWidth, c.ordinal); number == item {
			return b.consent(number, accept)
		}
	}
	refused, err := b.claims(rejected)
	if err != nil {
		return err
	}
	for _, c := range refused {
		if !accept && fmt.Sprintf("%0*d", ordinalWidth, c.ordinal) == item {
			return b.dealtWith(c)
		}
	}
	return fmt.Errorf("answer about file %q: %w", item, connectors.ErrNotHeld)
}
