package file

import (
	"cmp"
	"fmt"
	"path/filepath"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// fits implements connectors.Kind.Fits.
func fits(cfg connectors.Config) error {
	var o Options
	if err := cfg.Form(&o); err != nil {
		return err
	}
	d, err := cfg.One()
	if err != nil {
		return err
	}
	return connectors.Mapped(d, "", o.Columns, o.Absent.Fields)
}

// alone implements connectors.Kind.Alone: however its path is spelled.
func alone(cfg connectors.Config) (what, chinese, english string) {
	var o Options
	if cfg.Form(&o) != nil {
		return cfg.Name, "", "" // refused by itself
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		dir = o.Dir
	}
	real, _ := filepath.EvalSymlinks(dir) // a folder that is not there yet has no other name
	return cmp.Or(real, filepath.Clean(dir)), "投放目录 " + o.Dir, fmt.Sprintf("drop folder %q", o.Dir)
}
