package embedded

import (
	"encoding/binary"
	"net"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// listener wraps the broker's own, so that its answers wait for the disk.
type listener struct {
	net.Listener
	disk *disk
}

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	out := &line{Conn: c, disk: l.disk, answers: make(chan answer, 64), closed: make(chan struct{})}
	go out.answer()
	return out, nil
}

// line is a client's line to the broker, which reads a request's size and then its
// body, and takes it up when the answer to the one before has been written. For the
// broker that is at once, so that requests sent one behind the other share a sync.
type line struct {
	net.Conn
	disk    *disk
	answers chan answer
	closed  chan struct{}
	once    sync.Once

	size  [4]byte
	sized int
	body  []byte // the request as far as it has been read; its memory is the reader's
	want  int

	mu    sync.Mutex
	dead  bool
	queue []kmsg.Request // read and not answered by the broker; it works on the first
	way   passage        // of the first
}

// answer is one on its way out.
type answer struct {
	bytes []byte
	wait  ticket
}

// answer lets answers out in their order, each when what it waits for is on the disk.
func (l *line) answer() {
	for {
		select {
		case <-l.closed:
			return
		case a := <-l.answers:
			err := l.disk.settle(a.wait)
			if err == nil {
				_, err = l.Conn.Write(a.bytes)
			}
			if err != nil {
				_ = l.Close() // the client finds its line broken
				return
			}
		}
	}
}

// Read implements net.Conn.
func (l *line) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	switch read := p[:n]; {
	case l.sized < len(l.size):
		l.sized += copy(l.size[l.sized:], read)
		l.want, l.body = int(binary.BigEndian.Uint32(l.size[:])), nil
	case len(l.body) == 0:
		l.body = read
	default: // it follows what was read before, in the same memory
		l.body = l.body[:len(l.body)+n]
	}
	if l.sized == len(l.size) && l.want > 0 && len(l.body) == l.want {
		l.begin(l.body)
		l.sized, l.body = 0, nil
	}
	return n, err
}

// begin notes what the request that has been read will write to.
func (l *line) begin(body []byte) {
	reader := kbin.Reader{Src: body}
	key, version := reader.Int16(), reader.Int16()
	_, _ = reader.Int32(), reader.NullableString() // correlation id, client id
	request := kmsg.RequestForKey(key)
	if request == nil {
		return // the broker hangs up
	}
	request.SetVersion(version)
	if request.IsFlexible() {
		kmsg.SkipTags(&reader)
	}
	if request.ReadFrom(reader.Src) != nil {
		return
	}
	if p, ok := request.(*kmsg.ProduceRequest); ok && p.Acks == 0 {
		l.disk.finish(l.disk.begin(p)) // there will be no answer, and nothing is promised
		return
	}
	l.mu.Lock()
	l.queue = append(l.queue, request)
	first := len(l.queue) == 1
	l.mu.Unlock()
	if first {
		l.enter(request)
	}
}

// enter lets the broker take up a request.
func (l *line) enter(r kmsg.Request) {
	way := l.disk.begin(r)
	l.mu.Lock()
	dead := l.dead
	if !dead {
		l.way = way
	}
	l.mu.Unlock()
	if dead { // meanwhile, and nobody will say that it is done
		l.disk.abandon(way)
	}
}

// leave returns the passage of the request that the broker has answered, and the
// request that it takes up next, if one has been read.
func (l *line) leave() (done passage, next kmsg.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	done, l.way = l.way, passage{wait: nothing}
	if len(l.queue) > 0 {
		l.queue = l.queue[1:]
	}
	if len(l.queue) > 0 {
		next = l.queue[0]
	}
	return done, next
}

// Write implements net.Conn.
func (l *line) Write(p []byte) (int, error) {
	done, next := l.leave()
	wait := l.disk.finish(done)
	if next != nil {
		l.enter(next)
	}
	select {
	case l.answers <- answer{slices.Clone(p), wait}:
		return len(p), nil
	case <-l.closed:
		return 0, net.ErrClosed
	}
}

// Close implements net.Conn.
func (l *line) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.mu.Lock()
		done := l.way
		l.way, l.queue, l.dead = passage{wait: nothing}, nil, true
		l.mu.Unlock()
		l.disk.abandon(done)
	})
	return l.Conn.Close()
}
