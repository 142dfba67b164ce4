package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// maxRead bounds the keys of one trip to Redis.
const maxRead = 1024

// read is one Get on its way to a reader.
type read struct {
	view    string
	keys    []store.Digest
	into    []store.Stored
	reserve *quota.Reservation // nil = nothing
	done    chan error
}

// Get reads records of one view. Lookups that wait at the same time travel
// together: a trip to Redis costs more than a key.
func (s *Store) Get(ctx context.Context, view string, keys []store.Digest, into []store.Stored, reserve *quota.Reservation) error {
	for len(keys) > maxRead {
		if err := s.Get(ctx, view, keys[:maxRead], into[:maxRead], reserve); err != nil {
			return err
		}
		keys, into, reserve = keys[maxRead:], into[maxRead:], nil
	}
	r := &read{view: view, keys: keys, into: make([]store.Stored, len(keys)), done: make(chan error, 1)}
	if reserve != nil {
		copied := *reserve // of its own, like into
		r.reserve = &copied
	}
	select {
	case s.reads <- r:
	case <-ctx.Done():
		return fmt.Errorf("read view %q: %w", view, ctx.Err())
	}
	select {
	case err := <-r.done:
		if reserve != nil {
			*reserve = *r.reserve
		}
		if err != nil {
			return fmt.Errorf("read view %q: %w", view, err)
		}
		copy(into, r.into) // only now: a caller that gave up must not see its slice change
		return nil
	case <-ctx.Done():
		return fmt.Errorf("read view %q: %w", view, ctx.Err())
	}
}

// serve takes waiting lookups to Redis until ctx ends.
func (s *Store) serve(ctx context.Context) {
	var batch []*read
	for {
		select {
		case <-ctx.Done():
			s.refuse(ctx)
			return
		case r := <-s.reads:
			batch = append(batch[:0], r)
		}
		keys := len(batch[0].keys)
	drain:
		for keys < maxRead {
			select {
			case r := <-s.reads:
				batch = append(batch, r)
				keys += len(r.keys)
			default:
				break drain
			}
		}
		s.answer(ctx, batch)
	}
}

// refuse answers what still waits when the store is closed.
func (s *Store) refuse(ctx context.Context) {
	for {
		select {
		case r := <-s.reads:
			r.done <- ctx.Err()
		default:
			return
		}
	}
}

func (s *Store) answer(ctx context.Context, batch []*read) {
	now := s.generations.now.Load()
	unloaded, err := s.trip(ctx, now, batch)
	if err != nil {
		for _, r := range batch {
			r.done <- err
		}
		return
	}
	if len(unloaded) == 0 {
		return
	}
	// The generation may have just been replaced: look again before saying no.
	ask, cancel := context.WithTimeout(ctx, s.cfg.ReadTimeout)
	err = s.generations.refresh(ask)
	cancel()
	if after := s.generations.now.Load(); err == nil && after != nil && after != now {
		if unloaded, err = s.trip(ctx, after, unloaded); err == nil && len(unloaded) == 0 {
			return
		}
	}
	if err == nil {
		err = store.ErrNotLoaded
	}
	for _, r := range unloaded {
		r.done <- err
	}
}

// trip reads the batch in one go, answers what can be answered and returns
// the lookups of views that are not complete.
func (s *Store) trip(ctx context.Context, space *keyspace, batch []*read) ([]*read, error) {
	if space == nil || s.instance.suspect.Load() || s.guard.evicts.Load() {
		return batch, nil
	}
	args := make([]any, 1, 2+3*len(batch))
	args[0] = "mget"
	for i, r := range batch {
		if i == 0 || batch[i-1].view != r.view {
			args = append(args, space.ready(r.view), space.withheld(r.view))
		}
		for _, k := range r.keys {
			args = append(args, space.record(r.view, k))
		}
	}
	values, err := s.mget(ctx, space, args, batch)
	if errors.Is(err, errBehind) {
		return batch, nil
	}
	if err != nil {
		return nil, err
	}
	if s.instance.suspect.Load() {
		// The trip itself may have made the connection over which another process
		// was met: what it says is not to be believed before it is verified.
		return batch, nil
	}
	s.metrics.keys.Add(float64(len(values)))
	if lacking(batch, values) {
		if all, err := s.guard.present(ctx, space); err != nil || !all {
			return batch, err
		}
	}
	var unloaded []*read
	ready, withheld := false, false
	for i, r := range batch {
		if i == 0 || batch[i-1].view != r.view {
			ready, withheld, values = values[0] != nil, values[1] != nil, values[2:]
		}
		err := fill(r, values[:len(r.keys)], ready, withheld)
		values = values[len(r.keys):]
		switch err {
		case nil:
			r.done <- nil
		case store.ErrNotLoaded: //nolint:errorlint // fill returns it bare
			unloaded = append(unloaded, r)
		default:
			_ = s.mixed("stored value belongs to another key", "view", r.view)
			r.done <- err
		}
	}
	return unloaded, nil
}

// lacking reports whether something is not there that may have been thrown away: a record,
// or that its view is complete.
func lacking(batch []*read, values []any) bool {
	for i, r := range batch {
		if i == 0 || batch[i-1].view != r.view {
			if values[0] == nil {
				return true
			}
			values = values[2:]
		}
		if slices.Contains(values[:len(r.keys)], nil) {
			return true
		}
		values = values[len(r.keys):]
	}
	return false
}

// fill takes the values of a read. Of a view that is not complete nothing is
// believed, neither what is missing nor what is there: a cache that is filled
// anew goes through every version that a record ever had.
func fill(r *read, values []any, ready, withheld bool) error {
	if !ready {
		return store.ErrNotLoaded
	}
	for i, v := range values {
		if v == nil {
			r.into[i] = store.Stored{Withheld: withheld}
			continue
		}
		text, ok := v.(string)
		if !ok {
			return store.ErrMixedReply
		}
		if r.into[i], ok = unpack(text, r.keys[i]); !ok {
			return store.ErrMixedReply
		}
		r.into[i].Withheld = withheld || r.into[i].Withheld
	}
	return nil
}

// mget asks for the keys and for a nonce before them: if the connection's
// replies have slipped by one, even between two questions of the same shape,
// the nonce that comes back is not the one that was sent. What the questions
// reserve is reserved between the two.
//
// With Sentinel the views' marks come after the values: what an answer shows is in
// them, and a replica that lacks it is noticed.
func (s *Store) mget(ctx context.Context, space *keyspace, args []any, batch []*read) ([]any, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*s.cfg.ReadTimeout)
	defer cancel()
	nonce := s.ask()
	begin := time.Now()
	client := s.reader.Load()
	pipe := client.Pipeline()
	echo := pipe.Echo(ctx, nonce)
	var wanted []*quota.Reservation
	for _, r := range batch {
		if r.reserve != nil {
			wanted = append(wanted, r.reserve)
		}
	}
	pending := reserve(ctx, pipe, s.quotas, wanted)
	values := goredis.NewSliceCmd(ctx, args...)
	err := pipe.Process(ctx, values)
	marks := s.marksOf(ctx, pipe, space, batch)
	if err == nil {
		_, err = pipe.Exec(ctx)
	}
	if len(pending) > 0 {
		if err = cmp.Or(echo.Err(), values.Err()); err == nil {
			err = reserved(ctx, client, pending)
		}
	}
	s.metrics.readSeconds.Observe(time.Since(begin).Seconds())
	if err != nil && (transient(err) || ctx.Err() != nil) {
		return nil, err
	}
	if err != nil || echo.Val() != nonce || len(values.Val()) != len(args)-1 {
		return nil, s.mixed("reply belongs to another question")
	}
	behind := false
	for view, cmd := range marks {
		p, err := progress(cmd.Val())
		if err != nil {
			return nil, s.mixed("reply belongs to another question")
		}
		behind = s.instance.read(view, p.Next) || behind
	}
	if behind {
		return nil, errBehind
	}
	return values.Val(), nil
}

// errBehind says that an answer is older than one before it.
var errBehind = errors.New("answer is behind an earlier one")

// marksOf asks for the marks of the views of a batch, where replicas may take over.
func (s *Store) marksOf(ctx context.Context, pipe goredis.Pipeliner, space *keyspace, batch []*read) map[string]*goredis.MapStringStringCmd {
	if s.cfg.Sentinel.Master == "" {
		return nil
	}
	out := map[string]*goredis.MapStringStringCmd{}
	for _, r := range batch {
		if out[r.view] == nil {
			out[r.view] = pipe.HGetAll(ctx, space.marks(r.view))
		}
	}
	return out
}

// transient reports whether err is the network's or the server's own word, and
// not a reply of a form that the question cannot have.
func transient(err error) bool {
	var network net.Error
	var server goredis.Error
	return errors.As(err, &network) || errors.As(err, &server) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, goredis.ErrClosed) || errors.Is(err, goredis.ErrPoolTimeout) || errors.Is(err, net.ErrClosed)
}

// mixed throws away every connection that lookups use, with what is on its way
// over them, and waits for none of it.
func (s *Store) mixed(what string, facts ...any) error {
	s.metrics.mixed.Inc()
	if n, ok := s.told.Tell(what, time.Now()); ok {
		s.log.Error("cache answered another question", append(facts, "what", what, "times", n)...)
	}
	old := s.reader.Swap(s.cfg.connect(s.cfg.ReadTimeout, s.cfg.Readers+2, s.instance.greet))
	if err := old.Close(); err != nil {
		s.log.Debug("connections could not be closed", "error", err)
	}
	return store.ErrMixedReply
}

// ask returns a text that no other read of any process uses.
func (s *Store) ask() string { return s.nonce + strconv.FormatUint(s.asked.Add(1), 36) }
