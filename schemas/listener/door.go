package listener

import (
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Reserve is how many connections a listener takes beyond its limits, so that
// whoever asks how it is hears it while all others are being answered. Nothing but
// health is answered on them, each answers once, and a newer one displaces one that
// has not asked yet: so a few are enough, and those who only hold them get nowhere.
const Reserve = 16

// unread is for how long a client without a key may leave an answer unread while
// others wait for its place.
const unread = time.Second

// door gives each address its share of the connections. Who opens more than
// that displaces its own connections that ask nothing, the oldest first; when all are
// being answered, one whose client has no key and does not read its answer makes room;
// and only then is the new one refused, by the reserve.
type door struct {
	net.Listener
	cfg      *Config
	tls      *TLS // nil = plain text
	refusals *refusals

	mu    sync.Mutex
	rooms [2]room // of all, and the reserve
}

// room is connections by share.
type room struct {
	open int
	by   map[string]map[*conn]bool
}

func newDoor(l net.Listener, cfg *Config, secure *TLS, f *refusals) *door {
	d := &door{Listener: l, cfg: cfg, tls: secure, refusals: f}
	for i := range d.rooms {
		d.rooms[i].by = map[string]map[*conn]bool{}
	}
	return d
}

// roomOf is where a connection has its place.
func (d *door) roomOf(c *conn) *room {
	if c.kept {
		return &d.rooms[1]
	}
	return &d.rooms[0]
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	for {
		raw, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		client := addressOf(raw.RemoteAddr().String())
		c := &conn{Conn: raw, raw: raw, refusals: d.refusals, share: share(client)}
		c.leave = sync.OnceFunc(func() { d.leave(c) })
		if d.cfg.Chunked {
			c.most = 2 * d.cfg.Limits.HeaderBytes
		}
		if t := d.tls; t != nil {
			c.Conn = tls.Server(raw, t.now.Load().config) // the handshake comes with the first read, in the connection's own time
		}
		c.last.Store(time.Now().UnixNano())
		victim, ok := d.enter(c, contains(d.cfg.TrustedProxies, client))
		if victim != nil {
			d.cfg.Metrics.displace(d.cfg.Name)
			if victim.kept { // it came when there was no place, and is told so like one that had asked
				d.turnAway(victim.raw)
			}
			victim.cut()
		}
		if ok {
			d.cfg.Metrics.opened(d.cfg.Name, 1)
			return c, nil
		}
		d.turnAway(raw)
		_ = raw.Close()
	}
}

// turnAway tells a connection that there is no place for it. With TLS it would
// have to be greeted first: it is only counted.
func (d *door) turnAway(raw net.Conn) {
	if d.tls != nil {
		d.refusals.count(problem.Connections.Code)
		return
	}
	answer := d.refusals.raw(problem.Connections)
	_ = raw.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)) // refused in passing: whether it hears why is its own matter
	_, _ = raw.Write(answer)
}

// enter makes room for a connection, in the reserve if there is no other, or reports
// that there is none.
func (d *door) enter(c *conn, proxy bool) (victim *conn, ok bool) {
	limits := d.cfg.Limits
	d.mu.Lock()
	defer d.mu.Unlock()
	all := &d.rooms[0]
	from, own := "", !proxy && len(all.by[c.share]) >= limits.ConnectionsPerAddress
	switch {
	case own:
		from = c.share
	case all.open >= limits.Connections:
		from = all.largest()
	}
	if from != "" {
		if victim = oldest(all.by[from]); victim == nil {
			victim = all.slowest(own, c.share, time.Now())
		}
		if victim == nil {
			c.kept = true
			if reserve := &d.rooms[1]; reserve.open >= Reserve {
				if victim = reserve.idle(); victim == nil {
					return nil, false
				}
			}
		}
	}
	if victim != nil {
		d.drop(victim)
	}
	d.roomOf(c).add(c)
	return victim, true
}

func (r *room) add(c *conn) {
	if r.by[c.share] == nil {
		r.by[c.share] = map[*conn]bool{}
	}
	r.by[c.share][c] = true
	r.open++
}

// largest is the share with the most connections.
func (r *room) largest() (found string) {
	for share, all := range r.by {
		if found == "" || len(all) > len(r.by[found]) {
			found = share
		}
	}
	return found
}

// slowest is the connection without a key whose client has left an answer unread for
// longest, nil if none has for long: of one share, or of all.
func (r *room) slowest(one bool, share string, now time.Time) (found *conn) {
	since := now.Add(-unread).UnixNano()
	look := func(all map[*conn]bool) {
		for c := range all {
			if at := c.writing.Load(); at != 0 && at <= since && !c.known.Load() {
				found, since = c, at
			}
		}
	}
	if one {
		look(r.by[share])
		return found
	}
	for _, all := range r.by {
		look(all)
	}
	return found
}

// idle is the connection that makes room in the reserve: one of who holds the most
// of it, so that an address that opens many displaces its own and not another's.
func (r *room) idle() (found *conn) {
	for share, all := range r.by {
		c := oldest(all)
		switch {
		case c == nil:
		case found == nil, len(all) > len(r.by[found.share]), len(r.by[share]) == len(r.by[found.share]) && c.before(found):
			found = c
		}
	}
	return found
}

// oldest is the connection that is not being answered and has been so for
// longest; one that has never asked anything comes before all that have.
func oldest(all map[*conn]bool) *conn {
	var found *conn
	for c := range all {
		if !c.busy.Load() && (found == nil || c.before(found)) {
			found = c
		}
	}
	return found
}

// before reports whether a connection makes room before another.
func (c *conn) before(other *conn) bool {
	if asked := c.asked.Load(); asked != other.asked.Load() {
		return !asked
	}
	return c.last.Load() < other.last.Load()
}

// leave gives back the place of a connection that ends.
func (d *door) leave(c *conn) {
	d.mu.Lock()
	d.drop(c)
	d.mu.Unlock()
	d.cfg.Metrics.opened(d.cfg.Name, -1)
}

// drop forgets a connection; d.mu is held.
func (d *door) drop(c *conn) {
	r := d.roomOf(c)
	all := r.by[c.share]
	if !all[c] {
		return
	}
	delete(all, c)
	if len(all) == 0 {
		delete(r.by, c.share)
	}
	r.open--
}
