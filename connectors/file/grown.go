package file

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// A file that lay still for the settle time may be half of one whose transfer stalled.
// Its sender still has it open and goes on writing where nobody reads: what comes then
// is said, and the file goes to rejected/ as one that was not taken as a whole.

// watchFor is for how long a file that was taken is watched, watchMost how many are, and
// watchEvery how often: each costs a call to a file system that may be far away.
const (
	watchFor   = 30 * time.Minute
	watchMost  = 200
	watchEvery = connectors.IdleRead
)

// watched is a file that was taken.
type watched struct {
	claim claim
	size  int64
	since time.Time
}

// growth watches the files that were taken lately.
type growth struct {
	files  []watched
	looked time.Time // when it was looked last whether they have grown
}

// add begins to watch a file.
func (g *growth) add(c claim, size int64, now time.Time) {
	g.files = append(g.files, watched{c, size, now})
}

// grown looks whether files that were taken have grown since, and returns the first that
// has, which is watched no more.
func (g *growth) grown(b *box, now time.Time) (c claim, some bool, err error) {
	if now.Sub(g.looked) < watchEvery {
		return claim{}, false, nil
	}
	g.looked = now
	if extra := len(g.files) - watchMost; extra > 0 {
		g.files = g.files[extra:]
	}
	rest := g.files[:0]
	var found *watched
	for _, w := range g.files {
		if found != nil || now.Sub(w.since) > watchFor {
			if found != nil {
				rest = append(rest, w)
			}
			continue
		}
		info, err := b.root.Lstat(done + "/" + w.claim.name)
		switch {
		case err == nil && info.Size() > w.size:
			found = &w
			continue
		case err != nil && !errors.Is(err, fs.ErrNotExist): // not there yet, or taken away
			return claim{}, false, fmt.Errorf("look at file %08d: %w", w.claim.ordinal, bare(err))
		}
		rest = append(rest, w)
	}
	g.files = rest
	if found == nil {
		return claim{}, false, nil
	}
	return found.claim, true, nil
}
