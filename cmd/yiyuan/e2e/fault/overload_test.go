package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// Who overloads the gateway: slow clients, each with as many connections as one may
// have, and an application that asks all the time for a quota of one a second.
const (
	slowClients     = 3
	slowConnections = 200
	stormKey        = "key of the storm"
	stormAsking     = 50
	stormLasts      = 5 * time.Second
)

// overload lets slow clients hold connections and one application ask far beyond its
// quota while the others ask as before. The application gets its quota and is told
// when to come again; the others are answered, before the storm is over.
func overload(t *testing.T, p *e2e.RealPath, crowd *crowd) {
	t.Helper()
	e2e.Write(t, map[string]any{"applications": []any{e2e.Granted("MZ-DBHD", e2e.AppKey, 0), e2e.Granted("MZ-STORM", stormKey, 60)}}, p.Dir, "access.yaml")
	storm := from(t, p, "127.0.0.99", stormAsking)
	e2e.Await(t, "the storm's grant", func() string {
		if status, _, err := stormAsk(t.Context(), storm, p.Gateway); status != http.StatusOK {
			return fmt.Sprint(status, err)
		}
		return ""
	})
	ctx, end := context.WithTimeout(t.Context(), stormLasts)
	defer end()
	var all sync.WaitGroup
	for i := range slowClients * slowConnections {
		from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(100+i%slowClients))}
		all.Go(func() {
			c, err := (&net.Dialer{LocalAddr: from}).DialContext(ctx, "tcp", p.Gateway)
			if err != nil {
				return // the queue is full: that is shedding, too
			}
			defer c.Close()
			_, _ = io.WriteString(c, "GET /livez HTTP/1.1\r\nX: ") // and nothing more
			<-ctx.Done()
		})
	}
	began := crowd.mark()
	var mu sync.Mutex
	told := map[int]int{}
	for range stormAsking {
		all.Go(func() {
			for ctx.Err() == nil {
				status, again, err := stormAsk(ctx, storm, p.Gateway)
				if err != nil {
					continue // the storm is over
				}
				if status == http.StatusTooManyRequests && again == "" {
					status = -status
				}
				mu.Lock()
				told[status]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	during := crowd.since(began)
	if during.answered == 0 || during.refused > during.answered {
		t.Errorf("while another stormed: %s", during)
	}
	quota := 60 + int(stormLasts/time.Second) + 1
	for status, n := range told {
		if status != http.StatusOK && status != http.StatusTooManyRequests || status == http.StatusOK && n > quota {
			t.Errorf("the storm was told %d %d times; 429 with Retry-After and at most %d answers are right", status, n, quota)
		}
	}
	if told[http.StatusTooManyRequests] == 0 {
		t.Errorf("the storm was never refused: %v", told)
	}
	at := crowd.mark()
	crowd.until(t, "after the storm", at, func(s tally) bool { return s.answered > 20 })
	t.Logf("overload: %d slow connections, one application told %v; the others meanwhile: %s", slowClients*slowConnections, told, during)
}

// from is a client that asks from an address of its own over so many connections.
func from(t *testing.T, p *e2e.RealPath, address string, connections int) *http.Client {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: connections}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Timeout: 5 * time.Second, Transport: transport}
}

// stormAsk asks about somebody and returns when to come again, if the answer says so.
func stormAsk(ctx context.Context, client *http.Client, gateway string) (status int, again string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+gateway+"/v1/lookup/person.partial/539902198503120013", nil)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Authorization", "Bearer "+stormKey)
	req.Header.Set("X-Purpose", "DBHD")
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get("Retry-After"), errors.Join(err, res.Body.Close())
}
