package format

import (
	"bytes"
	"errors"
	"io"
)

// line is one physical line without its end.
type line struct {
	number  int
	text    []byte
	end     string // "\n", "\r\n", "\r" or "" at the end of the file
	tooLong bool   // text is void
}

// lines cuts a stream at LF, CR LF or CR. A line over the limit is skipped
// without being held in memory.
type lines struct {
	r      io.Reader
	buffer []byte
	start  int
	stop   int
	limit  int
	number int
	err    error
	back   []line // unread lines, next one first
}

func newLines(r io.Reader, limit int) *lines {
	return &lines{r: r, buffer: make([]byte, min(limit+2, 64<<10)), limit: limit}
}

// next returns the next line; its text is valid until the call after. At the
// end it returns io.EOF.
func (l *lines) next() (line, error) {
	if len(l.back) > 0 {
		first := l.back[0]
		l.back = l.back[1:]
		return first, nil
	}
	scanned := 0
	skipping := false
	for {
		pending := l.buffer[l.start:l.stop]
		if i := bytes.IndexAny(pending[scanned:], "\n\r"); i >= 0 {
			i += scanned
			if pending[i] == '\n' || i+1 < len(pending) || l.err != nil {
				return l.cut(i, skipping), nil //nolint:nilerr // l.err is told once what was read before it is
			}
			scanned = i // a CR at the end of what is read: an LF may follow
		} else {
			scanned = len(pending)
		}
		if l.err != nil {
			if !errors.Is(l.err, io.EOF) {
				return line{}, l.err
			}
			if len(pending) == 0 && !skipping {
				return line{}, io.EOF
			}
			l.number++
			l.start = l.stop
			return line{number: l.number, text: pending, tooLong: skipping || len(pending) > l.limit}, nil
		}
		if scanned > l.limit {
			skipping = true
			l.start, scanned = l.start+scanned, 0
		}
		l.fill()
	}
}

func (l *lines) cut(i int, skipping bool) line {
	pending := l.buffer[l.start:l.stop]
	end := "\n"
	if pending[i] == '\r' {
		end = "\r"
		if i+1 < len(pending) && pending[i+1] == '\n' {
			end = "\r\n"
		}
	}
	l.number++
	l.start += i + len(end)
	return line{number: l.number, text: pending[:i], end: end, tooLong: skipping || i > l.limit}
}

func (l *lines) fill() {
	if l.start > 0 {
		copy(l.buffer, l.buffer[l.start:l.stop])
		l.stop -= l.start
		l.start = 0
	}
	if l.stop == len(l.buffer) {
		l.buffer = append(l.buffer, make([]byte, len(l.buffer))...)
	}
	n, err := l.r.Read(l.buffer[l.stop:])
	l.stop += n
	l.err = err
}

// unread puts lines back, to be read again first. They must be copies.
func (l *lines) unread(again []line) {
	l.back = append(append([]line(nil), again...), l.back...)
}

func (n line) copy() line {
	n.text = bytes.Clone(n.text)
	return n
}
