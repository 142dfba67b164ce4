package fault

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
)

// squeezed runs a whole bus with 256 MiB for Go's heap, garbage left lying until
// they are full (GOGC=400), and 256 file descriptors, while people ask and others
// hold more connections open than there are descriptors. It answers, is not killed, and comes to what
// it comes to with room.
func squeezed(t *testing.T, want *stream, brokers []string) {
	t.Helper()
	d := disturb(t, want, brokers, nil)
	cache, gateway := e2e.StartRedis(t), e2e.FreePort(t)
	file := d.configure("all", d.answers(gateway, cache))
	p := e2e.LaunchBy(t, []string{"sh", "-c", `ulimit -n 256 && exec env GOMEMLIMIT=256MiB GOGC=400 yiyuan run --config "$0"`, file})
	d.attach(p)
	keys := d.residents(100)
	e2e.Await(t, "gateway", func() string {
		status, err := look(t.Context(), gateway, keys[0])
		if status == 0 {
			return err.Error()
		}
		return ""
	})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var crowd sync.WaitGroup
	var answered, refused atomic.Int64
	for i := range 4 {
		crowd.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				if status, _ := look(ctx, gateway, keys[n%len(keys)]); status == http.StatusOK || status == http.StatusNotFound {
					answered.Add(1)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	d.at(30, p)
	for i := range 300 { // idle ones of three clients, more than there are descriptors
		from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%3))}
		c, err := (&net.Dialer{Timeout: time.Second, LocalAddr: from}).DialContext(t.Context(), "tcp", gateway)
		if err != nil {
			break // the queue is full: that is shedding, too
		}
		defer c.Close()
	}
	d.want.reached(t, brokers, d.prefix, false)
	stop()
	crowd.Wait()
	if answered.Load() == 0 {
		t.Errorf("nobody was answered, %d were not", refused.Load())
	}
	for _, key := range keys {
		e2e.Await(t, "answer", func() string {
			if status, err := look(t.Context(), gateway, key); status != http.StatusOK {
				return fmt.Sprintf("%d %v", status, err)
			}
			return ""
		})
	}
	p.Stop()
	used, _ := p.Cmd.ProcessState.SysUsage().(*syscall.Rusage)
	t.Logf("%d asked and were answered, %d were told to wait; %d MiB at the most, race detector included", answered.Load(), refused.Load(), used.Maxrss>>10)
}

// answers are the sections of a configuration with a gateway.
func (d *disturbed) answers(gateway string, cache *e2e.Server) map[string]any {
	d.Helper()
	return map[string]any{
		"access":  e2e.Write(d, map[string]any{"applications": []any{e2e.Granted("MZ-DBHD", e2e.AppKey, 0)}}, d.dir, "access.yaml"),
		"gateway": map[string]any{"listen": gateway, "redis": "redis://" + cache.Address},
	}
}

// residents are some people whom the city knows in the end.
func (d *disturbed) residents(n int) []string {
	d.Helper()
	var keys []string
	for _, r := range e2e.ReadTruth(d, synthetic.Options{Seed: killSeed, Size: world.Tiny, Base: d.want.base}).Rows("after") {
		if r.Dataset == "GA01" && len(keys) < n {
			keys = append(keys, r.Key)
		}
	}
	return keys
}

// look asks about a person and holds the answer's form against the view: it
// answers 200 only for a masked record.
func look(ctx context.Context, gateway, number string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+gateway+"/v1/lookup/person.partial/"+number, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+e2e.AppKey)
	req.Header.Set("X-Purpose", "DBHD")
	// An answer that is withheld for want of an audit entry takes five seconds.
	a := e2e.Reply((&http.Client{Timeout: 15 * time.Second}).Do(req))
	var got struct {
		Data map[string]any `json:"data"`
	}
	if a.Status == http.StatusOK {
		if err := json.Unmarshal([]byte(a.Body), &got); err != nil || !strings.HasSuffix(fmt.Sprint(got.Data["GMSFHM"]), "****") {
			return -1, fmt.Errorf("not a masked person: %w", err)
		}
	}
	return a.Status, fmt.Errorf("%s", a.Body)
}
