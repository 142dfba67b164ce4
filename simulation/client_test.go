package simulation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// question is what an application asks.
type question struct {
	app, view, key string
	fields         string
	verify         map[string]string // what is to be so; nil = a lookup
}

// answered is what came back; status 0 if nothing did.
type answered struct {
	status int
	asOf   time.Time
}

// ask asks whichever gateway lives and writes question and answer into the
// history. A gateway that dies on the way leaves the outcome unknown.
func (w *world) ask(ctx context.Context, q question) answered {
	l, handler := w.door.now()
	if handler == nil {
		return answered{}
	}
	w.mu.Lock()
	w.asked++
	id := w.asked
	w.mu.Unlock()
	path := "/v1/lookup/" + q.view + "/" + q.key
	if q.fields != "" {
		path += "?fields=" + url.QueryEscape(q.fields)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://gateway"+path, http.NoBody)
	if q.verify != nil {
		r, err = verification(ctx, q)
	}
	if err != nil {
		w.t.Error(err)
		return answered{}
	}
	r.RemoteAddr = "10.0.0.1:1"
	r.Header.Set("Authorization", "Bearer key-"+q.app)
	r.Header.Set("X-Purpose", "GLJT")
	begin := w.history.now()
	w.history.put("ask", event{"id": id, "app": q.app, "view": q.view, "key": q.key, "clock": w.clock().UnixMilli()})
	out := &reply{world: w, life: l, header: http.Header{}}
	handler.ServeHTTP(out, r)
	if l.dead.Load() || out.lost || out.status == 0 {
		w.history.put("lost", event{"id": id})
		return answered{}
	}
	sum := sha256.Sum256(out.body.Bytes())
	e := event{
		"id": id, "app": q.app, "view": q.view, "key": q.key, "t0": begin, "status": out.status, "life": l.number, "proc": l.name,
		"req": out.header.Get("X-Request-Id"), "sha": hex.EncodeToString(sum[:]), "audit": out.audit, "text": out.body.String(),
	}
	if q.fields != "" {
		e["asked"] = q.fields
	}
	w.history.put("got", e)
	var body struct {
		AsOf *time.Time `json:"as_of"`
	}
	a := answered{status: out.status}
	if json.Unmarshal(out.body.Bytes(), &body) == nil && body.AsOf != nil {
		a.asOf = *body.AsOf
	}
	return a
}

// verification is the request that asks whether fields are so.
func verification(ctx context.Context, q question) (*http.Request, error) {
	body, err := json.Marshal(map[string]any{"view": q.view, "key": q.key, "fields": q.verify})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://gateway/v1/verify", bytes.NewReader(body))
	if err == nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, err
}

// reply is the client's end of one answer. At its first byte it looks where the
// audit ends: the entry must be there by then.
type reply struct {
	world  *world
	life   *life
	header http.Header
	status int
	body   bytes.Buffer
	audit  []int64
	lost   bool
}

// Header implements http.ResponseWriter.
func (r *reply) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *reply) WriteHeader(status int) {
	if r.status != 0 {
		return
	}
	r.status = status
	r.audit = r.world.ends(contract.Audit)
	if r.world.armed.reach(r.life, "gw.body") {
		r.lost = true
		go r.life.kill()
	}
}

// Write implements http.ResponseWriter.
func (r *reply) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

// ends are where the partitions of a topic end now.
func (w *world) ends(topic contract.Topic) []int64 {
	var out []int64
	for _, p := range w.kafka.Broker.Cluster().PartitionInfos(string(topic)) {
		out = append(out, p.HighWatermark)
	}
	return out
}
