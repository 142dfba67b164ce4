package bustest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Fault is what a line does to one request.
type Fault int

// The faults. But for RequestLost the broker has done what it was asked.
const (
	None         Fault = iota
	RequestLost        // it does not arrive; the connection breaks for good, and the client gives up
	ReplyLost          // it arrives; the connection breaks for good before the reply, and the client gives up
	ReplyReset         // it arrives; the connection is reset before the reply, and the client asks again
	ReplyUnknown       // it arrives; the reply says UNKNOWN_SERVER_ERROR; for EndTxn only
	ReplyLate          // it arrives; the reply takes Line.Late
	CutBefore          // it arrives; the line is cut before the reply has passed
	CutAfter           // it arrives; the line is cut when the reply has passed
)

// EndTxn is the key of the request that ends a transaction.
const EndTxn = 26

// Line is one process's way to the brokers. Every process of a test has its own.
type Line struct {
	kafka Kafka
	// Judge is asked about each request that ends a transaction, one at a time;
	// nil = None.
	Judge func(key int16) Fault
	// Each, if not nil, is asked about every other request too.
	Each func(key int16) Fault
	// Late is how long a ReplyLate takes.
	Late time.Duration
	// Cutting is called, in a goroutine of its own, in place of Cut by CutBefore and
	// CutAfter; nil = Cut.
	Cutting func()

	judging sync.Mutex

	mu    sync.Mutex
	cond  *sync.Cond
	cut   bool
	held  bool
	conns map[*conn]struct{}
}

// Line returns a new line. Its Dial is for bus.Config.Dialer.
func (k Kafka) Line(judge func(key int16) Fault) *Line {
	l := &Line{kafka: k, Judge: judge, conns: map[*conn]struct{}{}}
	l.cond = sync.NewCond(&l.mu)
	return l
}

// What a network says when a broker or the way to it is gone: clients try again.
var (
	errReset   = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
)

// Cut breaks the line: as if the process were killed, nothing gets out any more.
func (l *Line) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut, l.held = true, false
	for c := range l.conns {
		_ = c.Conn.Close() // it is the aim
	}
	l.cond.Broadcast()
}

func (l *Line) cutting() {
	if l.Cutting == nil {
		go l.Cut()
		return
	}
	go l.Cutting()
}

// Hold stops the line without breaking it: as if the network were gone for a
// while. What was sent arrives when the line is released, however late, even if
// its sender has given the connection up since.
func (l *Line) Hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = true
}

// Release lets go what Hold held.
func (l *Line) Release() {
	l.mu.Lock()
	l.held = false
	conns := slices.Collect(maps.Keys(l.conns))
	l.cond.Broadcast()
	l.mu.Unlock()
	for _, c := range conns {
		c.release()
	}
}

// pass waits until the line is not held.
func (l *Line) pass() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.held {
		l.cond.Wait()
	}
	if l.cut {
		return errReset
	}
	return nil
}

// Dial dials a broker over the line.
func (l *Line) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	l.mu.Lock()
	broken := l.cut || l.held
	l.mu.Unlock()
	if broken {
		return nil, errRefused
	}
	inner, err := l.kafka.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner, line: l, faults: map[uint32]Fault{}}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
	return c, nil
}

// conn sees whole requests and replies: both are framed by a length of 4 bytes.
type conn struct {
	net.Conn
	line *Line

	out []byte // request that is not whole yet
	in  []byte // reply that has not been read to its end

	mu     sync.Mutex
	faults map[uint32]Fault // by correlation id
	late   [][]byte         // requests held up
	given  bool             // its owner has closed it
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.mu.Lock()
	waits := len(c.late) > 0
	c.given = true
	c.mu.Unlock()
	if waits {
		return c.SetReadDeadline(time.Unix(1, 0)) // wakes a reader; closed by release
	}
	return c.Conn.Close()
}

// release sends what was held up.
func (c *conn) release() {
	c.mu.Lock()
	late, given := c.late, c.given
	c.late = nil
	c.mu.Unlock()
	for _, frame := range late {
		if _, err := c.Conn.Write(frame); err != nil {
			break // the broker has closed it
		}
	}
	if given && len(late) > 0 {
		_ = c.Conn.Close() // as its owner wanted
	}
}

// hold keeps a frame back if the line is held.
func (c *conn) hold(frame []byte) (held bool, err error) {
	c.line.mu.Lock()
	defer c.line.mu.Unlock()
	if c.line.cut {
		return false, errReset
	}
	if !c.line.held {
		return false, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late = append(c.late, slices.Clone(frame))
	return true, nil
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	c.out = append(c.out, b...)
	for len(c.out) >= 4 {
		size := 4 + int(binary.BigEndian.Uint32(c.out))
		if len(c.out) < size {
			break
		}
		if err := c.request(c.out[:size]); err != nil {
			_ = c.Conn.Close() // it is broken on purpose
			return 0, err
		}
		c.out = c.out[size:]
	}
	return len(b), nil
}

// judge returns who is asked about a request of that key.
func (l *Line) judge(key int16) func(key int16) Fault {
	if key == EndTxn && l.Judge != nil {
		return l.Judge
	}
	return l.Each
}

func (c *conn) request(frame []byte) error {
	if held, err := c.hold(frame); held || err != nil {
		return err
	}
	key, id := int16(binary.BigEndian.Uint16(frame[4:])), binary.BigEndian.Uint32(frame[8:])
	if judge := c.line.judge(key); judge != nil {
		c.line.judging.Lock()
		f := judge(key)
		c.line.judging.Unlock()
		switch f {
		case None:
		case RequestLost:
			return errors.New("request lost")
		default:
			c.mu.Lock()
			c.faults[id] = f
			c.mu.Unlock()
		}
	}
	_, err := c.Conn.Write(frame)
	if errors.Is(err, io.ErrClosedPipe) { // the broker has hung up
		return errReset
	}
	return err
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	if len(c.in) == 0 {
		if err := c.reply(); err != nil {
			_ = c.Conn.Close() // it is broken, or broken on purpose
			return 0, err
		}
	}
	n := copy(b, c.in)
	c.in = c.in[n:]
	return n, nil
}

func (c *conn) reply() error {
	var head [4]byte
	if _, err := io.ReadFull(c.Conn, head[:]); err != nil {
		return err
	}
	frame := make([]byte, 4+binary.BigEndian.Uint32(head[:]))
	copy(frame, head[:])
	if _, err := io.ReadFull(c.Conn, frame[4:]); err != nil {
		return err
	}
	if err := c.line.pass(); err != nil {
		return err
	}
	id := binary.BigEndian.Uint32(frame[4:])
	c.mu.Lock()
	f := c.faults[id]
	delete(c.faults, id)
	c.mu.Unlock()
	switch f {
	case ReplyLost:
		return errors.New("reply lost")
	case ReplyReset:
		return errReset
	case CutBefore:
		c.line.cutting()
		return errReset
	case CutAfter:
		defer c.line.cutting()
	case ReplyLate:
		timer := time.NewTimer(c.line.Late)
		<-timer.C
	case ReplyUnknown:
		// length, correlation id, no tags, throttle time, error code
		binary.BigEndian.PutUint16(frame[13:], 0xFFFF)
	case None, RequestLost:
	}
	c.in = frame
	return nil
}
