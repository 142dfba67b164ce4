package file

import (
	"encoding/hex"
	"fmt"
	"log/slog"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// setting is what stays as it is while a source is open.
type setting struct {
	cfg     connectors.Config
	options Options
	dataset *schemas.Dataset
	log     *slog.Logger
	box     *box
}

// replace reports whether a file is the whole table.
func (s *setting) replace() bool { return s.options.Mode == modeReplace }

// fingerprint is how a file's content stands in the position: keyed, since a
// file of one row would not survive an unkeyed digest.
func (s *setting) fingerprint(sum []byte) string {
	return hex.EncodeToString(s.cfg.Keyed(contract.LabelFile, sum))
}

// label names a file where its own name must not stand, since it may hold a
// person's name or number: its ordinal, by which it is found in done/ and
// rejected/, and a digest of its name.
func (s *setting) label(c claim) string {
	return fmt.Sprintf("%0*d-%s", ordinalWidth, c.ordinal, digest(s.cfg, c.original()))
}

// digest stands for a name that must not be told.
func digest(cfg connectors.Config, name string) string {
	return hex.EncodeToString(cfg.Keyed(contract.LabelFileName, []byte(name))[:4])
}
