package file

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
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

// grown looks whether files that were taken have grown since, and yields what is said of
// the first that has. A later table in mode replace is the whole of it again: what came
// before is of no matter then but for quarantine.
func (s *source) grown(now time.Time) (connectors.Batch, bool, error) {
	if now.Sub(s.watchedAt) < watchEvery {
		return connectors.Batch{}, false, nil
	}
	s.watchedAt = now
	if extra := len(s.watched) - watchMost; extra > 0 {
		s.watched = s.watched[extra:]
	}
	rest := s.watched[:0]
	var found *watched
	for _, w := range s.watched {
		if found != nil || now.Sub(w.since) > watchFor {
			if found != nil {
				rest = append(rest, w)
			}
			continue
		}
		info, err := s.inbox.root.Lstat(done + "/" + w.claim.name)
		switch {
		case err == nil && info.Size() > w.size:
			found = &w
			continue
		case err != nil && !errors.Is(err, fs.ErrNotExist): // not there yet, or taken away
			return connectors.Batch{}, false, fmt.Errorf("look at file %08d: %w", w.claim.ordinal, bare(err))
		}
		rest = append(rest, w)
	}
	s.watched = rest
	if found == nil {
		return connectors.Batch{}, false, nil
	}
	const detail = "文件在被接收之后又有内容写入，其后的行未读取（传输中断过？请用 wait: marker，或传完再改名放入）；请重新投放 / " +
		"the file was written to after it had been taken, and those rows were not read (did its transfer stall? use wait: marker, or rename it into the folder when it is whole): drop it again"
	if err := s.inbox.takeBack(found.claim, detail); err != nil {
		return connectors.Batch{}, false, err
	}
	if found.claim.ordinal == s.at.File || s.options.Mode != "replace" {
		s.at.Refused = max(s.at.Refused, found.claim.ordinal)
	}
	s.log.Warn("a file grew after it had been taken", "file", s.label(found.claim))
	return connectors.Batch{After: s.at.encode(), Rejections: []contract.Rejection{
		s.cfg.Rejection(s.dataset, s.label(found.claim), now, []byte(s.label(found.claim)), connectors.FieldError{Reason: contract.ReasonUnreadable, Detail: detail}),
	}}, true, nil
}

// takeBack moves a file that was taken to rejected/, with why. Done again after a crash
// in the middle it changes nothing.
func (b *inbox) takeBack(c claim, text string) error {
	err := b.store(rejected+"/"+c.name+reasonSuffix, []byte(text+"\n"))
	for _, suffix := range []string{markerSuffix, ""} {
		if err == nil {
			err = b.root.Rename(done+"/"+c.name+suffix, rejected+"/"+c.name+suffix)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("move file %08d to %s/: %w", c.ordinal, rejected, bare(err))
	}
	return nil
}
