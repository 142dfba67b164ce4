//go:build !linux && !darwin

package doctor

import "errors"

func fileLimit() (uint64, bool) { return 0, false }

func diskSpace(string) (free, total uint64, err error) {
	return 0, 0, errors.ErrUnsupported
}
