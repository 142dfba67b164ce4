package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/benchmarks/process"
	"github.com/yiyuan-bus/yiyuan/benchmarks/table"
)

// target is a server under load. Every request is complete bytes of HTTP/1.1,
// so that the generator costs as little of the shared processors as it can.
type target struct {
	name     string
	address  string
	requests [][]byte         // sent in turn, each connection from another place on
	expect   []byte           // what a right answer holds
	server   *process.Process // whose CPU time is counted
}

// loaded is what a load came to.
type loaded struct {
	answers int
	seconds float64
	latency table.Quantiles
	cpu     time.Duration // of the server, an answer
}

func (l loaded) rate() float64 { return float64(l.answers) / l.seconds }

// load keeps connections busy for a while: each sends its next request when it
// has the answer to the last. An answer that is not 200, or not what is
// expected, ends it with an error.
func load(ctx context.Context, t target, connections int, d time.Duration) (loaded, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all := make([][]time.Duration, connections)
	var failed error // the first; it ends all the others
	var once sync.Once
	fail := func(err error) { once.Do(func() { failed = err; cancel() }) }
	var wait sync.WaitGroup
	ready := make(chan struct{})
	var begin time.Time
	var opened sync.WaitGroup
	opened.Add(connections)
	for i := range connections {
		wait.Go(func() {
			c, err := dial(ctx, t)
			opened.Done()
			if err != nil {
				fail(err)
				return
			}
			defer c.close()
			<-ready
			if all[i], err = c.drive(i*len(t.requests)/connections, begin.Add(d)); err != nil {
				fail(err)
			}
		})
	}
	opened.Wait()
	before := t.used()
	begin = time.Now()
	close(ready)
	wait.Wait()
	took, used := time.Since(begin), t.used()-before
	if failed != nil {
		return loaded{}, fmt.Errorf("load %s: %w", t.name, failed)
	}
	var every []time.Duration
	for _, one := range all {
		every = append(every, one...)
	}
	return loaded{len(every), took.Seconds(), table.QuantilesOf(every), used / time.Duration(max(len(every), 1))}, nil
}

func (t *target) used() time.Duration {
	if t.server == nil {
		return 0
	}
	return t.server.Usage().CPU
}

// connection is one keep-alive connection.
type connection struct {
	target
	conn net.Conn
	in   *bufio.Reader
	body []byte
	stop func() bool
}

func dial(ctx context.Context, t target) (*connection, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", t.address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	c := &connection{target: t, conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
	c.stop = context.AfterFunc(ctx, func() { _ = conn.Close() }) // an answer that is waited for must not hold us
	return c, nil
}

func (c *connection) close() {
	c.stop()
	_ = c.conn.Close() // nothing is under way
}

func (c *connection) drive(from int, until time.Time) ([]time.Duration, error) {
	took := make([]time.Duration, 0, 1<<16)
	for n := from; ; n++ {
		begin := time.Now()
		if begin.After(until) {
			return took, nil
		}
		body, err := c.ask(c.requests[n%len(c.requests)])
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin))
		if !bytes.Contains(body, c.expect) {
			return nil, errors.New("the answer is not what was asked for")
		}
	}
}

// ask sends a request and returns the body of its answer, valid until the next.
func (c *connection) ask(request []byte) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	status, body, err := readAnswer(c.in, c.body[:0])
	c.body = body
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if status != 200 {
		return nil, fmt.Errorf("answered %d", status)
	}
	return body, nil
}

var errAnswer = errors.New("malformed answer")

// readAnswer reads one answer of HTTP/1.1 with a Content-Length or in chunks,
// and appends its body to dst.
func readAnswer(in *bufio.Reader, dst []byte) (status int, body []byte, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, dst, err
	}
	if len(line) < 13 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, dst, errAnswer
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, dst, errAnswer
	}
	length, chunked := -1, false
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return status, dst, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return status, dst, errAnswer
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(bytes.TrimSpace(value), []byte("chunked"))
		}
	}
	switch {
	case chunked:
		body, err = readChunks(in, dst)
	case length < 0:
		return status, dst, errAnswer
	default:
		body, err = readN(in, dst, length)
	}
	return status, body, err
}

func readChunks(in *bufio.Reader, dst []byte) ([]byte, error) {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return dst, err
		}
		n, err := strconv.ParseUint(string(bytes.TrimRight(line, "\r\n")), 16, 31)
		if err != nil {
			return dst, errAnswer
		}
		if dst, err = readN(in, dst, int(n)); err != nil {
			return dst, err
		}
		if _, err := in.Discard(2); err != nil || n == 0 {
			return dst, err
		}
	}
}

func readN(in *bufio.Reader, dst []byte, n int) ([]byte, error) {
	from := len(dst)
	for cap(dst) < from+n {
		dst = append(dst[:cap(dst)], 0)
	}
	dst = dst[:from+n]
	_, err := io.ReadFull(in, dst[from:])
	return dst, err
}
