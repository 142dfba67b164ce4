package fault

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// proxy stands between a process and a service and does to its connections what
// bad networks do.
type proxy struct {
	address string

	mu     sync.Mutex
	target string
	cond   *sync.Cond
	how    disturbance
	conns  map[*net.TCPConn]bool
	ended  bool
}

// disturbance is what a proxy does; the zero value passes everything on.
type disturbance struct {
	delay    time.Duration // of every piece, both ways
	held     bool          // nothing gets through, and nobody hears of it
	deaf     bool          // requests get through, replies do not (half-open)
	replyCut bool          // the connection breaks in the middle of the next reply
}

// interpose starts a proxy that ends with the test.
func interpose(t *testing.T, target string) *proxy {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := &proxy{address: l.Addr().String(), target: target, conns: map[*net.TCPConn]bool{}}
	x.cond = sync.NewCond(&x.mu)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { x.carry(in.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close() // ends Accept
		x.mu.Lock()
		x.ended = true
		x.mu.Unlock()
		x.set(disturbance{})
		x.reset()
		serving.Wait()
	})
	return x
}

// set changes what happens from now on, to connections that are open too.
func (x *proxy) set(how disturbance) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.how = how
	x.cond.Broadcast()
}

// aim says where new connections go.
func (x *proxy) aim(target string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.target = target
}

// reset breaks every connection.
func (x *proxy) reset() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for c := range x.conns {
		_ = c.SetLinger(0) // the other end hears RST
		_ = c.Close()
	}
}

func (x *proxy) carry(in *net.TCPConn) {
	defer in.Close()
	x.mu.Lock()
	target := x.target
	x.mu.Unlock()
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(context.Background(), "tcp", target)
	if err != nil {
		_ = in.SetLinger(0)
		return
	}
	out := conn.(*net.TCPConn)
	defer out.Close()
	x.mu.Lock()
	x.conns[in], x.conns[out] = true, true
	ended := x.ended
	x.mu.Unlock()
	defer func() {
		x.mu.Lock()
		delete(x.conns, in)
		delete(x.conns, out)
		x.mu.Unlock()
	}()
	if ended {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { x.pump(out, in, false) })
	both.Go(func() { x.pump(in, out, true) })
	both.Wait()
}

var errReplyCut = errors.New("cut")

func (x *proxy) pump(to, from *net.TCPConn, reply bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if x.pass(to, buffer[:n], reply) != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (x *proxy) pass(to *net.TCPConn, b []byte, reply bool) error {
	x.mu.Lock()
	for x.how.held || reply && x.how.deaf {
		x.cond.Wait()
	}
	how := x.how
	if reply && how.replyCut {
		x.how.replyCut = false
	}
	x.mu.Unlock()
	if how.delay > 0 {
		timer := time.NewTimer(how.delay)
		<-timer.C
	}
	if reply && how.replyCut {
		_, _ = to.Write(b[:len(b)/2]) // half of it
		_ = to.SetLinger(0)
		return errReplyCut
	}
	_, err := to.Write(b)
	return err
}
