// Package file reads a drop folder: a department (or its transfer agent) puts
// CSV or JSON Lines files there, and their rows become changes of one dataset.
//
// A file is taken once it is whole (its .done marker stands beside it, or it
// has not changed for the settle time), by renaming it into processing/ under
// an ordinal, its marker with it. It stays there until its last row is published,
// then moves to done/ or, when it could not be taken as a whole, to rejected/
// beside a .reason file. Rows and position go out together, so a crash at any row
// ends in the same result. Files are taken in the order in which they were
// delivered, also when their content was there before: rows are as of their
// delivery. A whole file waits for those that were delivered before it and are not whole
// yet; one whose marker does not come is waited for as long as the option patience says, and
// then refused. While a delivery that could not be taken as a whole, or not one row
// of it, is owed, the source is held: what is answered is of before. In mode append later
// files are taken beside it, see debt.go. Bad rows go to quarantine with file, line and field; their neighbours
// pass. Nothing is left out without a word: headings, member names, markers and
// charsets that are not understood refuse the file or the row.
//
// In mode replace a file is the whole table: keys of the previous complete file
// that it lacks are deleted. Deletes are withheld when a row's key could not be
// read, since that row may be any of them. All rows are read before the first is
// published: a table without rows is refused (unless empty: allow), and one that
// would delete more than delete_limit stands still until a person puts
// <ordinal>.accept or <ordinal>.refuse into the folder. Where rows were published of which
// no keys are kept, since the mode was append then, or are of another dataset, the source
// takes nothing until it is read again: what of them is gone no table could tell.
//
// The folder is opened as an os.Root: symbolic links, devices, pipes and names
// that lead outside are refused. A file's own name may hold a person's name: logs,
// states and quarantine name it by its ordinal and a digest; in done/ and
// rejected/ the ordinal stands before the name.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

type source struct {
	*setting
	inbox *inbox
	watch *fsnotify.Watcher

	mu       sync.Mutex // Read and Close
	closed   bool
	at       position
	current  *reading
	finished []claim // wholly read, waiting for Confirm
	growth   growth
	debt     debt
	begun    bool // opened at its beginning, and no file taken since
	unseen   bool // something was read since the last idle answer
	cleaned  time.Time
	told     uint64 // the held file of which was said that it waits
	stands   bool   // was said that what was taken does not fit, see unfit
}

// Open opens the drop folder. It implements connectors.Open.
func Open(_ context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
	var o Options
	if err := cfg.Read(&o); err != nil {
		return nil, err
	}
	if err := fits(cfg); err != nil {
		return nil, fmt.Errorf("open file source %q: %w", cfg.Name, err)
	}
	d := cfg.Datasets[0]
	at, err := parsePosition(after)
	if err != nil {
		return nil, fmt.Errorf("open file source %q: %w", cfg.Name, err)
	}
	in, err := openInbox(o, cfg, after != "")
	if err != nil {
		return nil, fmt.Errorf("open file source %q: %w", cfg.Name, err)
	}
	s := &source{
		setting: &setting{cfg: cfg, options: o, dataset: d, log: in.log, box: in.box},
		inbox:   in, at: at.noted(d.ID, o.Mode).since(), begun: after == "", unseen: true,
	}
	if err := s.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("open file source %q: %w", cfg.Name, err), in.Close())
	}
	// Without a watcher (too many of them, a network share) polling still finds
	// every file, a little later.
	if w, err := fsnotify.NewWatcher(); err == nil {
		if w.Add(o.Dir) == nil {
			s.watch = w
		} else {
			_ = w.Close() // nothing is watched
		}
	}
	return s, nil
}

// recover moves what the stored position calls finished out of processing/:
// the crash came between the commit and Confirm.
func (s *source) recover() error {
	claims, err := s.inbox.claims(processing)
	if err != nil {
		return err
	}
	if s.at.Epoch == 0 {
		return s.first(claims)
	}
	open := false
	var left []claim
	for _, c := range claims {
		switch {
		case c.ordinal < s.at.File || c.ordinal == s.at.File && !s.at.Open:
			if err := s.inbox.finish(c); err != nil {
				return err
			}
		default:
			open = open || c.ordinal == s.at.File
			left = append(left, c)
		}
	}
	if s.at.Open && !open {
		return s.at.lost()
	}
	if err := s.inbox.resolveAll(left); err != nil {
		return err
	}
	return s.inbox.dropKeys(s.at.Keys)
}

// first begins a source without a position. Numbers go on behind those of files
// that an earlier life of the folder has left in it.
func (s *source) first(claims []claim) error {
	s.at.Epoch = uint32(time.Now().Unix())
	if err := s.inbox.resolveAll(claims); err != nil {
		return err
	}
	defer func() {
		if s.at.From = s.at.File + 1; s.cfg.Again && !s.replace() { // what was refused before is owed still
			s.at.From = 1
		}
	}()
	if len(claims) > 0 {
		s.at.File = max(claims[0].ordinal, 1) - 1
		return nil
	}
	for _, dir := range []string{done, rejected} {
		old, err := s.inbox.claims(dir)
		if err != nil {
			return err
		}
		if len(old) > 0 {
			s.at.File = max(s.at.File, old[len(old)-1].ordinal)
		}
	}
	return nil
}

// Read implements connectors.Source. The dataset is awaited until a first file was
// taken to its end, one that holds no rows if it may; while it is read again what was
// delivered before is known.
func (s *source) Read(ctx context.Context) (connectors.Batch, error) {
	idle := connectors.Idle[fsnotify.Event]{Pace: func() time.Duration { return min(s.options.Poll, s.inbox.settlesIn()) }}
	if s.watch != nil {
		idle.Wake = s.watch.Events
	}
	return idle.Await(ctx, func(expired bool) (connectors.Batch, bool, error) {
		s.mu.Lock() // of one look: Close must get through
		defer s.mu.Unlock()
		b, ok, err := s.look(ctx)
		if (s.at.Awaited || s.at.foreign(s.dataset)) && !s.cfg.Again {
			b.Awaited = []string{s.dataset.ID}
		}
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("read file source %q: %w", s.cfg.Name, full(err))
		}
		return b, ok || expired, err
	})
}

// look yields what there is now, an empty batch and false if that is nothing new.
func (s *source) look(ctx context.Context) (connectors.Batch, bool, error) {
	if s.closed {
		return connectors.Batch{}, false, os.ErrClosed
	}
	looked := time.Now()
	if why := s.unfit(s.at); why != "" {
		first := !s.stands
		s.stands = true
		return connectors.Batch{After: s.at.encode(), Held: why, Do: contract.ResyncCommand(s.cfg.Name)}, first, nil
	}
	if s.current == nil {
		if err := s.advance(); err != nil {
			return connectors.Batch{}, false, err
		}
	}
	if s.current != nil && s.current.held != "" {
		if b, done, err := s.hold(); done || err != nil {
			return b, done, err
		}
	} else if s.current != nil {
		b, err := s.step(ctx)
		s.unseen = true
		return b, true, err
	}
	if b, some, err := s.grown(looked); some || err != nil {
		return b, some, err
	}
	return s.idle(looked)
}

// grown says of a file that was taken that it has grown since, if one has. A later table
// in mode replace is the whole of it again: what came before is of no matter then but for
// quarantine.
func (s *source) grown(now time.Time) (connectors.Batch, bool, error) {
	c, some, err := s.growth.grown(s.box, now)
	if err != nil || !some {
		return connectors.Batch{}, false, err
	}
	const detail = "文件在被接收之后又有内容写入，其后的行未读取（传输中断过？请用 wait: marker，或传完再改名放入）；请重新投放 / " +
		"the file was written to after it had been taken, and those rows were not read (did its transfer stall? use wait: marker, or rename it into the folder when it is whole): drop it again"
	if err := s.box.takeBack(c, detail); err != nil {
		return connectors.Batch{}, false, err
	}
	if c.ordinal == s.at.File || !s.replace() {
		s.at.From, s.debt.known = min(s.at.From, c.ordinal), false
	}
	s.log.Warn("a file grew after it had been taken", "file", s.label(c))
	return connectors.Batch{After: s.at.encode(), Rejections: []contract.Rejection{
		s.cfg.Rejection(s.dataset, s.label(c), now, []byte(s.label(c)), connectors.FieldError{Reason: contract.ReasonUnreadable, Detail: detail}),
	}}, true, nil
}

// idle says why there is nothing: nothing was delivered, or it stands still.
func (s *source) idle(looked time.Time) (connectors.Batch, bool, error) {
	b := connectors.Batch{After: s.at.encode()}
	if s.current != nil {
		b.Held, b.Do = s.current.held, s.current.do
		return b, false, nil
	}
	if err := s.clean(looked); err != nil {
		return b, false, err
	}
	owes, err := s.owing(&b)
	switch {
	case err != nil:
		return b, false, err
	case s.cfg.Again && s.nothingYet():
		b.Do, b.Held = "", fmt.Sprintf("等待重读的文件：把%s放进 %s（例如 done/ 里的） / it waits for the files to be read again: put %s into %s, for example from done/",
			s.wanted(true), s.options.Dir, s.wanted(false), s.options.Dir)
	case s.inbox.alone > 0:
		b.Do, b.Held = "", s.awaitsMarkers()
	case owes:
	case !s.inbox.pending():
		b.CaughtUp = looked
		if s.unseen {
			s.unseen = false
			return b, true, nil
		}
	}
	return b, false, nil
}

// awaitsMarkers says for what it stands still: files without marker, and how many wait
// behind which of them.
func (s *source) awaitsMarkers() string {
	zh := fmt.Sprintf("%d 个文件等标记文件（文件名加 %s）已超过 %s，放入后自行继续", s.inbox.alone, s.options.Marker, unmarked)
	en := fmt.Sprintf("%d files have waited for more than %s for their marker (the file's name and %s): put it beside them", s.inbox.alone, unmarked, s.options.Marker)
	if s.inbox.behind > 0 {
		name := digest(s.cfg, s.inbox.before)
		zh += fmt.Sprintf("；其后送达的 %d 个完整文件按次序等其中最早的（文件名摘要 %s），不要它就移出目录", s.inbox.behind, name)
		en += fmt.Sprintf("; %d whole files that were delivered after the first of them (digest of its name %s) wait for it: if it is not wanted, move it out of the folder", s.inbox.behind, name)
		if s.options.Patience > 0 {
			zh += fmt.Sprintf("；满 %s 无标记则拒收", s.options.Patience)
			en += fmt.Sprintf("; after %s without its marker it is refused", s.options.Patience)
		}
	}
	return zh + " / " + en
}

// hold looks whether a person has answered about the file that waits for one. It
// yields a batch the first time, so that the wait is said at once.
func (s *source) hold() (connectors.Batch, bool, error) {
	c := s.current
	if err := s.inbox.same(); err != nil { // an answer would be put into another folder
		return connectors.Batch{}, false, err
	}
	answer, err := s.inbox.answer(c.claim)
	if err != nil {
		return connectors.Batch{}, false, err
	}
	if answer != "" {
		c.close()
		s.current = nil
		return connectors.Batch{After: s.at.encode()}, true, nil
	}
	if s.told == c.claim.ordinal {
		return connectors.Batch{}, false, nil
	}
	s.told = c.claim.ordinal
	s.log.Warn("a file waits for a person", "file", s.label(c.claim), "why", c.held)
	return connectors.Batch{After: s.at.encode(), Held: c.held, Do: c.do}, true, nil
}

// clean removes what has been in done/ for too long, now and then.
func (s *source) clean(now time.Time) error {
	if now.Sub(s.cleaned) < min(time.Hour, s.options.KeepDone) {
		return nil
	}
	s.cleaned = now
	n, err := s.inbox.clean(now, s.options.KeepDone)
	if n > 0 {
		s.log.Info("old files were removed from done/", "files", n, "older_than", s.options.KeepDone)
	}
	return err
}

// full says in words that the disk is full; no file is harmed by waiting for room.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("投递目录所在磁盘已满，清出空间后自动继续 / the disk of the drop folder is full, it goes on by itself once there is room: %w", err)
	}
	return err
}

// advance takes the next file: one that was claimed before a crash, or the
// oldest that is ready in the folder.
func (s *source) advance() error {
	claims, err := s.inbox.claims(processing)
	if err != nil {
		return err
	}
	next := s.at.next()
	i := 0
	for i < len(claims) && claims[i].ordinal < next {
		i++ // finished, waiting for Confirm
	}
	var c claim
	if i < len(claims) {
		c = claims[i]
	} else {
		var ok bool
		if c, ok, err = s.inbox.claim(next, time.Now()); err != nil || !ok {
			return err
		}
	}
	s.current, err = start(s.setting, s.at, c)
	return err
}

// step yields the next batch of the current file and closes the file at its end.
func (s *source) step(ctx context.Context) (connectors.Batch, error) {
	b, err := s.current.batch(ctx)
	if err != nil {
		err = fmt.Errorf("file %s: %w", s.label(s.current.claim), err)
		s.current.close()
		s.current = nil
		return connectors.Batch{}, err
	}
	s.at, s.begun = s.current.at, false
	if !s.at.Open {
		s.current.close()
		s.finished = append(s.finished, s.current.claim)
		if s.debt.known = s.debt.known && s.current.condemned == nil; s.current.condemned == nil {
			s.growth.add(s.current.claim, s.current.size, time.Now())
		}
		s.current = nil
	}
	b.After = s.at.encode()
	if !s.replace() { // what is owed stands while later files are taken
		_, err = s.owing(&b)
	}
	return b, err
}

// nothingYet reports whether no file was taken since the source was opened at
// its beginning, in mode replace no whole one since it began: of what is read
// again nothing is known then.
func (s *source) nothingYet() bool {
	if s.replace() {
		return s.at.Keys == 0
	}
	return s.begun
}

// Confirm implements connectors.Confirmer: files that are wholly published
// leave processing/.
func (s *source) Confirm(_ context.Context, published schemas.Position) error {
	at, err := parsePosition(published)
	if err != nil {
		return fmt.Errorf("confirm file source %q: %w", s.cfg.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("confirm file source %q: %w", s.cfg.Name, os.ErrClosed)
	}
	rest := s.finished[:0]
	for _, c := range s.finished {
		if c.ordinal > at.File || c.ordinal == at.File && at.Open {
			rest = append(rest, c)
			continue
		}
		if err := s.inbox.finish(c); err != nil {
			return fmt.Errorf("confirm file source %q: %w", s.cfg.Name, err)
		}
	}
	s.finished = rest
	if at.Open {
		return nil
	}
	if err := s.inbox.dropKeys(at.Keys); err != nil {
		return fmt.Errorf("confirm file source %q: %w", s.cfg.Name, err)
	}
	return nil
}

// Close implements connectors.Source.
func (s *source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.current != nil {
		s.current.close()
		s.current = nil
	}
	var watching io.Closer = s.inbox
	errs := []error{watching.Close()}
	if s.watch != nil {
		errs = append(errs, s.watch.Close())
	}
	return errors.Join(errs...)
}
