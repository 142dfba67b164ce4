package bustest

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// pipes is a network of net.Pipe.
type pipes struct {
	mu        sync.Mutex
	listeners map[string]*listener
}

type listener struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
	addr   *net.TCPAddr
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.addr }

func (n *pipes) listen(_, _ string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &listener{accept: make(chan net.Conn), closed: make(chan struct{}), addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 20_000 + len(n.listeners)}}
	n.listeners[l.addr.String()] = l
	return l, nil
}

func (n *pipes) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[addr]
	n.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("nobody listens on %q", addr)
	}
	ours, theirs := net.Pipe()
	select {
	case l.accept <- theirs:
		return ours, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
