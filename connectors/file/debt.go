package file

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// A delivery that was refused as a whole is owed: what is answered is of before it, until a
// person has dealt with it. In mode replace a later table is all there is and takes its place.
// In mode append later files are taken, and none of them takes the place of one that was
// refused, whatever its name: a department may send each day's rows under the same. Only one that is
// dropped again under its name in rejected/, the ordinal in front, is known to be that one
// mended. What lies in rejected/ is the fact; the position says from which file on.

// mostNamed is how many refused files are told by their ordinals.
const mostNamed = 5

// debt is what is owed, as far as it is known. rejected/ may hold years of files: it is
// listed again when one that is named has gone, or another was refused.
type debt struct {
	known bool
	named []claim
	since time.Time // when the first of them was refused
	more  int
}

// owed looks which refused files nobody has dealt with.
func (s *source) owed() (*debt, error) {
	d := &s.debt
	settled := func(c claim) bool {
		_, err := s.inbox.root.Lstat(rejected + "/" + c.name)
		return c.ordinal < s.at.From || err != nil && !slices.Contains(s.finished, c) // until Confirm it lies in processing/
	}
	if d.known && !slices.ContainsFunc(d.named, settled) {
		return d, nil
	}
	claims, err := s.inbox.claims(rejected)
	if err != nil {
		return nil, err
	}
	for _, c := range s.finished {
		if _, err := s.inbox.root.Lstat(processing + "/" + c.name + reasonSuffix); err == nil {
			claims = append(claims, c)
		}
	}
	claims = slices.DeleteFunc(claims, func(c claim) bool { return c.ordinal < s.at.From })
	n := min(len(claims), mostNamed)
	*d = debt{known: true, named: claims[:n], more: len(claims) - n}
	if n == 0 {
		return d, nil
	}
	for _, dir := range []string{rejected, processing} {
		if info, err := s.inbox.root.Lstat(dir + "/" + claims[0].name + reasonSuffix); err == nil {
			d.since = info.ModTime()
		}
	}
	return d, nil
}

// owing says what is owed in the batch, if anything is.
func (s *source) owing(b *connectors.Batch) (bool, error) {
	d, err := s.owed()
	if err != nil || len(d.named) == 0 {
		return false, err
	}
	var which strings.Builder
	for i, c := range d.named {
		if i > 0 {
			which.WriteByte(' ')
		}
		fmt.Fprintf(&which, "%0*d", ordinalWidth, c.ordinal)
	}
	if d.more > 0 {
		fmt.Fprintf(&which, " +%d", d.more)
	}
	since := ""
	if !d.since.IsZero() {
		since = d.since.In(schemas.Zone).Format("2006-01-02 15:04:05 -07:00")
	}
	zh, en := "更正后重新投放；不需要它就移出 rejected/", "Mend it and drop it again; if it is not wanted, move it out of rejected/"
	if !s.replace() {
		zh = "其后的文件照常接收，但不能代替它。更正后按它在 rejected/ 中的名称（带序号）重新投放；已用别的名称投放，或不需要它，就移出 rejected/"
		en = "Later files are taken and do not take its place. Mend it and drop it again under the name that it has in rejected/, ordinal in front; if it came under another name, or is not wanted, move it out of rejected/"
	}
	b.Held = fmt.Sprintf("投放的文件未能整体接收：%s（自 %s），原因见 rejected/ 中的 .reason 文件和问题数据；在此之前查询答的可能是旧内容。%s"+
		" / files could not be taken as a whole: %s (since %s), see .reason in rejected/ and quarantine; until then what is answered may be old. %s", which.String(), since, zh, which.String(), since, en)
	b.Do = fmt.Sprintf("更正后重新投放；不需要它，或已另行投放 / mend it and drop it again; if it is not wanted or came otherwise: yiyuan source refuse %s %0*d", s.cfg.Name, ordinalWidth, d.named[0].ordinal)
	return true, nil
}

// settle takes out of rejected/ what a file that is taken mends, by the name it was dropped
// under: that of a refused file there, or of one that had mended it and was refused again.
func (b *box) settle(taken claim) error {
	if front, _, ok := strings.Cut(taken.original(), "-"); !ok || len(front) < ordinalWidth {
		return nil // no name of rejected/
	}
	refused, err := b.claims(rejected)
	if err != nil {
		return err
	}
	var mended []claim
	for name := taken.original(); ; name = mended[len(mended)-1].original() {
		i := slices.IndexFunc(refused, func(c claim) bool { return safeName(c.name) == name })
		if i < 0 {
			break
		}
		mended = append(mended, refused[i])
	}
	for _, c := range refused {
		if len(mended) > 0 && c.original() == taken.original() {
			mended = append(mended, c)
		}
	}
	for _, c := range mended {
		if err := b.dealtWith(c); err != nil {
			return err
		}
	}
	return nil
}

// dealtWith files a refused file among those that are done with, its reason beside it.
func (b *box) dealtWith(c claim) error {
	for _, suffix := range []string{reasonSuffix, markerSuffix, ""} { // itself last: while it is there, it is owed
		if err := b.root.Rename(rejected+"/"+c.name+suffix, done+"/"+c.name+suffix); err != nil && !absent(err) {
			return fmt.Errorf("move file %08d to %s/: %w", c.ordinal, done, bare(err))
		}
	}
	return nil
}
