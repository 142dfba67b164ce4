package terminal

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// Whole is all that an error says, and which paths were tried.
func Whole(err error) string {
	if where := Where(err); where != "" {
		return err.Error() + "\n" + where
	}
	return err.Error()
}

// Where says of each relative path that an error is about which one was tried, a line
// each: a relative path is one from the folder in which the process was started, and
// nobody sees from the path alone which that was. It is "" if there is none.
func Where(err error) string {
	var lines []string
	said := map[string]bool{}
	var walk func(err error)
	walk = func(err error) {
		var path *fs.PathError
		switch x := err.(type) { //nolint:errorlint // the tree of errors is walked by hand: there may be several
		case nil:
		case *fs.PathError:
			path = x
		case interface{ Unwrap() []error }:
			for _, each := range x.Unwrap() {
				walk(each)
			}
		default:
			walk(errors.Unwrap(err))
		}
		if path == nil || path.Path == "" || filepath.IsAbs(path.Path) || said[path.Path] {
			return
		}
		said[path.Path] = true
		whole, absErr := filepath.Abs(path.Path)
		if absErr != nil {
			return // the folder is gone: there is nothing to say
		}
		lines = append(lines, path.Path+" 从启动时所在的目录算起，即 "+whole+" / is from the folder in which yiyuan was started: "+whole)
	}
	walk(err)
	return strings.Join(lines, "\n")
}
