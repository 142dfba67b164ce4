package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// await waits until every view is loaded and every dataset's first copy has
// passed all the way to the cache. It tells how far it is.
func (c *city) await(ctx context.Context, talk io.Writer) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	began, last := time.Now(), time.Now()
	for {
		waiting, err := c.waiting(ctx)
		if err != nil {
			return err
		}
		if len(waiting) == 0 {
			return nil
		}
		if time.Since(last) > 2*time.Second {
			last = time.Now()
			took := int(time.Since(began).Seconds())
			if _, err := fmt.Fprintf(talk, "装载中，已 %d 秒：还有 %d 个数据集：%s / loading for %d s, %d datasets to go\n", took, len(waiting), terminal.Some(waiting), took, len(waiting)); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// waiting are the datasets whose first copy cannot be asked for yet.
func (c *city) waiting(ctx context.Context) ([]string, error) {
	var all []string
	for _, d := range c.app.Catalogue.Datasets {
		all = append(all, d.ID)
	}
	if status, err := c.get(ctx, "/readyz", nil); err != nil || status != http.StatusOK {
		return all, ignoreUnanswered(err)
	}
	var page struct {
		Datasets []struct {
			ID   string     `json:"id"`
			AsOf *time.Time `json:"as_of"`
		} `json:"datasets"`
	}
	if status, err := c.get(ctx, "/v1/catalogue", &page); err != nil || status != http.StatusOK {
		return all, ignoreUnanswered(err)
	}
	var out []string
	for _, d := range page.Datasets {
		if d.AsOf == nil {
			out = append(out, d.ID)
		}
	}
	return out, nil
}

// ignoreUnanswered lets a gateway that does not listen yet count as not ready.
func ignoreUnanswered(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// get asks the gateway as the bureau's application and decodes a good answer.
func (c *city) get(ctx context.Context, path string, into any) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.gateway+path, nil)
	if err != nil {
		return 0, fmt.Errorf("ask the gateway: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.bureau().Key)
	req.Header.Set("X-Purpose", "SUPERVISE")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask the gateway: %w", terminal.WithoutURL(err))
	}
	defer res.Body.Close() //nolint:errcheck // read below as far as it is wanted
	if into == nil || res.StatusCode != http.StatusOK {
		_, err := io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
		return res.StatusCode, err
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 8<<20)).Decode(into); err != nil {
		return res.StatusCode, fmt.Errorf("decode %s: %w", path, err)
	}
	return res.StatusCode, nil
}

// samples finds a key that each view can be asked for: of an entity's views a
// subject that has the most to show, of a dataset's views one of its rows.
func (c *city) samples(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	for _, e := range c.app.Catalogue.Entities {
		if len(e.Fields) == 0 {
			continue
		}
		best, size := "", -1
		err := c.app.Bus.Replay(ctx, contract.Resolved(e.ID), func(r bus.Record) error {
			if len(r.Value) > size || len(r.Value) == size && string(r.Key) < best {
				best, size = string(r.Key), len(r.Value)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("find a sample of %q: %w", e.ID, err)
		}
		for _, v := range e.Views {
			out[v.ID] = best
		}
	}
	for _, d := range c.app.Catalogue.Datasets {
		key, err := c.anyKey(ctx, contract.Raw(d.ID))
		if err != nil {
			return nil, fmt.Errorf("find a sample of %q: %w", d.ID, err)
		}
		for _, v := range d.Views {
			out[v.ID] = key
		}
	}
	c.found.Store(&out)
	return out, nil
}

// sampled is what samples found, nil before it has.
func (c *city) sampled() map[string]string {
	if found := c.found.Load(); found != nil {
		return *found
	}
	return nil
}

// anyKey returns the smallest key of a raw topic whose row has not been deleted.
// An older image may come late, behind what is newer, so the position decides.
func (c *city) anyKey(ctx context.Context, t contract.Topic) (string, error) {
	type image struct {
		pos   schemas.Sequence
		alive bool
	}
	rows := map[string]image{}
	err := c.app.Bus.Replay(ctx, t, func(r bus.Record) error {
		if _, pos, ok := contract.ParsePos(r.Header(contract.Pos)); ok && pos.Compare(rows[string(r.Key)].pos) >= 0 {
			rows[string(r.Key)] = image{pos, r.Value != nil}
		}
		return nil
	})
	best := ""
	for key, row := range rows {
		if row.alive && (best == "" || key < best) {
			best = key
		}
	}
	return best, err
}

func (c *city) bureau() *demoApp { return c.application("SJ-JDGL") }

type demoApp = struct{ ID, Key string }

func (c *city) application(id string) *demoApp {
	for _, a := range c.apps {
		if a.ID == id {
			return &demoApp{a.ID, a.Key}
		}
	}
	return &demoApp{}
}
