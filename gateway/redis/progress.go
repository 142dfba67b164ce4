package redis

import (
	"fmt"
	"strconv"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// removing is the mark of a space whose records are being removed. Builds that do not
// know it take it for a partition of which nothing was read.
const removing = "-1"

// progress reads the marks of a view, as apply.lua keeps them.
func progress(fields map[string]string) (store.Progress, error) {
	p := store.Progress{Next: make(map[int32]int64, len(fields))}
	for name, text := range fields {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return p, fmt.Errorf("parse mark %q: %w", name, err)
		}
		switch name {
		case "live":
			p.Live = n
		case "newest":
			p.Newest = time.UnixMilli(n)
		case removing:
		default:
			partition, err := strconv.ParseInt(name, 10, 32)
			if err != nil {
				return p, fmt.Errorf("parse mark %q: %w", name, err)
			}
			p.Next[int32(partition)] = n
		}
	}
	return p, nil
}
