package redis

import (
	"context"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

var (
	//go:embed take.lua
	takeSource string
	//go:embed try.lua
	trySource string
	//go:embed settle.lua
	settleSource string
	//go:embed giveback.lua
	giveBackSource string

	takeScript     = goredis.NewScript(takeSource)
	tryScript      = goredis.NewScript(trySource)
	settleScript   = goredis.NewScript(settleSource)
	giveBackScript = goredis.NewScript(giveBackSource)
)

// How long a verification counts as under way, and what a tally covers. One whose
// gateway died before it ended counts as answered with no.
const (
	underWay  = 10 * time.Second
	tallySpan = 10 * time.Minute
)

// pending is a reservation in a pipeline.
type pending struct {
	to     *quota.Reservation
	script *goredis.Script
	keys   []string
	args   []any
	cmd    *goredis.Cmd
}

// reserve puts what reads reserve into the pipeline that reads.
func reserve(ctx context.Context, pipe goredis.Pipeliner, keys quotaKeys, wanted []*quota.Reservation) []pending {
	var out []pending
	add := func(to *quota.Reservation, script *goredis.Script, keys []string, args []any) {
		out = append(out, pending{to, script, keys, args, script.EvalSha(ctx, pipe, keys, args...)})
	}
	for _, r := range wanted {
		if r.Made {
			continue // a read that is repeated in the next generation reserves once
		}
		if takes := r.Takes; len(takes) > 0 {
			names, args := make([]string, len(takes)), make([]any, 2, 2+3*len(takes))
			args[0], args[1] = r.ID, quota.Window.Milliseconds()
			for i, t := range takes {
				names[i] = keys.of(t.Key)
				args = append(args, t.Quota, t.Need, t.Slice)
			}
			add(r, takeScript, names, args)
		}
		if t := r.Try; t != nil {
			a, b := t.PerApp, t.PerTarget
			add(r, tryScript, keys.try(t), []any{
				t.ID, t.Application, underWay.Milliseconds(), (2 * tallySpan).Milliseconds(), a.Minute, a.Hour, a.Day, b.Minute, b.Hour, b.Day,
			})
		}
	}
	return out
}

// reserved reads what came of the reservations.
func reserved(ctx context.Context, client *goredis.Client, all []pending) error {
	for _, p := range all {
		reply, err := p.cmd.Int64Slice()
		if goredis.HasErrorPrefix(err, "NOSCRIPT") { // the server has forgotten its scripts
			reply, err = p.script.Eval(ctx, client, p.keys, p.args...).Int64Slice()
		}
		if err != nil {
			return fmt.Errorf("reserve: %w", err)
		}
		if err := p.result(reply); err != nil {
			return err
		}
		p.to.Made = true
	}
	return nil
}

// errReservation says that a script answered what it cannot answer.
var errReservation = errors.New("unexpected answer to a reservation")

func (p pending) result(reply []int64) error {
	milliseconds := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	switch {
	case len(reply) == 0:
		return errReservation
	case p.script == takeScript && reply[0] < 0:
		p.to.Counts, p.to.Retry = nil, milliseconds(-reply[0])
	case p.script == takeScript && len(reply) == 1+len(p.keys):
		p.to.Counts = make([]int, len(p.keys))
		for i, n := range reply[1:] {
			p.to.Counts[i] = int(n)
		}
	case p.script == tryScript && reply[0] == 1:
		p.to.Tried = quota.Allowed
	case p.script == tryScript && reply[0] == 2 && len(reply) == 2:
		p.to.Tried, p.to.TryWait = quota.Stopped, milliseconds(reply[1])
	case p.script == tryScript && reply[0] == 3:
		p.to.Tried = quota.Crowded
	default:
		return errReservation
	}
	return nil
}

// quotaKeys makes every key of what is reserved, behind the prefix of all keys: it is of
// no generation.
type quotaKeys string

func (p quotaKeys) of(k quota.Key) string { return string(p) + ":q:" + hex.EncodeToString(k[:]) }

func (p quotaKeys) try(t *quota.Try) []string {
	app, target := string(p)+":v:"+hex.EncodeToString(t.App[:]), string(p)+":v:"+hex.EncodeToString(t.Target[:])
	return []string{app, app + ":p", target, target + ":p", p.tally(0)}
}

// tally names the tally of now, or of so many spans ago.
func (p quotaKeys) tally(ago int64) string {
	return string(p) + ":v:#" + strconv.FormatInt(time.Now().UnixMilli()/tallySpan.Milliseconds()-ago, 36)
}

// Settle implements quota.Store.
func (s *Store) Settle(ctx context.Context, t *quota.Try, o quota.Outcome) error {
	ctx, cancel := context.WithTimeout(ctx, 2*s.cfg.ReadTimeout)
	defer cancel()
	err := settleScript.Run(ctx, s.writer, s.quotas.try(t), t.ID, t.Application, int(o), (2 * tallySpan).Milliseconds()).Err()
	if err != nil {
		return fmt.Errorf("settle a verification: %w", err)
	}
	return nil
}

// GiveBack implements quota.Store.
func (s *Store) GiveBack(ctx context.Context, unused []quota.Took) error {
	ctx, cancel := context.WithTimeout(ctx, 2*s.cfg.ReadTimeout)
	defer cancel()
	keys, args := make([]string, len(unused)), make([]any, 0, 2*len(unused))
	for i, u := range unused {
		keys[i] = s.quotas.of(u.Key)
		args = append(args, u.ID, u.Count)
	}
	if err := giveBackScript.Run(ctx, s.writer, keys, args...).Err(); err != nil {
		return fmt.Errorf("give quotas back: %w", err)
	}
	return nil
}

// Tallies implements quota.Store.
func (s *Store) Tallies(ctx context.Context) (map[string]quota.Tally, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*s.cfg.ReadTimeout)
	defer cancel()
	pipe := s.writer.Pipeline()
	spans := []*goredis.MapStringStringCmd{pipe.HGetAll(ctx, s.quotas.tally(0)), pipe.HGetAll(ctx, s.quotas.tally(1))}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read tallies: %w", err)
	}
	out := map[string]quota.Tally{}
	for _, span := range spans {
		for field, text := range span.Val() {
			kind, app, _ := strings.Cut(field, ":")
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read tallies: %w", store.ErrMixedReply)
			}
			t := out[app]
			switch kind {
			case "a":
				t.Asked += n
			case "m":
				t.Missed += n
			case "s":
				t.Stopped += n
			}
			out[app] = t
		}
	}
	return out, nil
}
