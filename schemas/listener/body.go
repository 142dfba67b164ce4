package listener

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// What can be wrong with a body that is being read.
var (
	ErrTooLarge = errors.New("body is too large")
	ErrTooSlow  = errors.New("body comes too slowly")
	ErrCut      = errors.New("body is cut off")
)

// body is a request's body that has to come at a least rate and ends at a limit.
type body struct {
	io.ReadCloser
	conn   net.Conn // nil in a test without one
	limits Limits
	begin  time.Time // of the first read
	length int64     // -1 = unknown
	got    int64
	err    error
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.conn != nil {
		if b.begin.IsZero() {
			b.begin = time.Now()
		}
		// The next byte is due by then, however few have come: who sends one byte
		// at a time gains nothing by it.
		due := b.begin.Add(b.limits.BodyGrace + time.Duration(b.got)*time.Second/time.Duration(b.limits.BodyRate))
		if err := b.conn.SetReadDeadline(due); err != nil {
			return 0, ErrCut
		}
	}
	n, err := b.ReadCloser.Read(p)
	b.got += int64(n)
	switch {
	case b.got > b.limits.BodyBytes:
		n, b.err = 0, ErrTooLarge
	case err == nil:
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.err = ErrTooSlow
	case errors.Is(err, io.EOF) && (b.length < 0 || b.got == b.length):
		b.err = io.EOF
	default:
		b.err = ErrCut
	}
	if b.conn != nil && (b.err != nil || b.got == b.length) {
		// Whatever follows is another request, which has its own time.
		_ = b.conn.SetReadDeadline(time.Time{}) // the connection is gone if it fails
	}
	return n, b.err
}

// whole reports whether nothing of the body is left on the connection.
func (b *body) whole() bool { return errors.Is(b.err, io.EOF) || b.got == b.length }

// BodyProblem is what a failed reading of a body is answered with, nil if err is
// none of this package's.
func BodyProblem(err error) *problem.Kind {
	switch {
	case errors.Is(err, ErrTooLarge):
		return problem.TooLarge
	case errors.Is(err, ErrTooSlow):
		return problem.TooSlow
	case errors.Is(err, ErrCut):
		return problem.BodyCut
	}
	return nil
}
