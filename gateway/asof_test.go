package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

func asOfOf(t *testing.T, r *reply) time.Time {
	t.Helper()
	text, _ := r.body["as_of"].(string)
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	must(t, err)
	return at
}

// TestAsOfIsNotNewerThanTheAnswer lets a change overtake a read that has looked
// already: what it answers must not be said to be as of the change.
func TestAsOfIsNotNewerThanTheAnswer(t *testing.T) {
	for _, c := range []struct {
		name   string
		before bool // the record is there at first
		ask    func(w *world) *reply
		status int
	}{
		{"record", true, func(w *world) *reply { return w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT") }, http.StatusOK},
		{"absent", false, func(w *world) *reply { return w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT") }, http.StatusNotFound},
		{"batch", false, func(w *world) *reply {
			return w.post("/v1/lookup", "key-RS-GLJT", "GLJT", map[string]any{"view": "person.partial", "keys": []string{zhang}})
		}, http.StatusOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			if c.before {
				w.person(1, "张**")
			} else {
				w.publish([]string{"GA01"})
			}
			w.ready()
			eventually(t, "as_of is known", func() bool { r := c.ask(w); return r.status == c.status && !asOfOf(t, r).IsZero() })
			held := &pause{make(chan struct{}), make(chan struct{})}
			w.slow.next.Store(held)
			late := make(chan *reply, 1)
			go func() { late <- c.ask(w) }()
			<-held.read
			changed := time.Now().Truncate(time.Millisecond)
			w.publish([]string{"GA01"}, w.shared("person.partial", zhang, 2, map[string]schemas.Value{"XM": schemas.Text("李**")}))
			eventually(t, "the change is there", func() bool {
				r := w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT")
				return r.status == http.StatusOK && !asOfOf(t, r).Before(changed)
			})
			close(held.goOn)
			r := <-late
			if r.status != c.status {
				t.Fatalf("answered %d: %s", r.status, r.text)
			}
			if at := asOfOf(t, r); !at.Before(changed) {
				t.Errorf("what was read before the change of %s says that it is as of %s: %s", changed, at, r.text)
			}
		})
	}
}

// TestAsOfStandsStillSparsely: that as_of stands still is told once, not at every step,
// and that it moves again is told too.
func TestAsOfStandsStillSparsely(t *testing.T) {
	w := start(t, func(c *gateway.Config) { c.Step = time.Millisecond })
	w.person(1, "张*")
	w.ready()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.brokers...))
	must(t, err)
	t.Cleanup(client.Close)
	gone := contract.Raw("GA01")
	_, err = kadm.NewClient(client).DeleteTopics(t.Context(), string(gone))
	must(t, err)
	eventually(t, "it is told", func() bool { return strings.Contains(w.logs.String(), "as_of stands still") })
	for range 200 { // steps go by meanwhile
		w.get("/v1/indicators", supervisor, "SUPERVISE")
	}
	if n := strings.Count(w.logs.String(), "as_of stands still"); n != 1 {
		t.Errorf("told %d times", n)
	}
	must(t, w.bus.Ensure(t.Context(), contract.Spec{Topic: gone, Compact: true}))
	eventually(t, "it moves again", func() bool { return strings.Contains(w.logs.String(), "as_of moves again") })
}
