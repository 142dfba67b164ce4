package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// How often /v1/events says how things flow, and how often it looks whether it may be
// read still: a right ends by itself too, at the moment that its application, its grant
// or the client's certificate has.
const (
	eventInterval = 2 * time.Second
	rightInterval = eventInterval / 8
)

// events answers GET /v1/events: the flow page again and again, as server-sent
// events, until the client hangs up or may not look any more. Its last event then is
// what a call is answered from now on.
func (s *API) events(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	a := s.Desk.Page(ctx, "events")
	if p := a.Supervise(ctx); p != nil {
		p.Write(w)
		return
	}
	if s.streams.Add(1) > int64(s.MaxStreams) {
		s.streams.Add(-1)
		listener.Refuse(w, r, problem.Busy.Of(""))
		return
	}
	defer s.streams.Add(-1)
	if p := a.Shown(ctx, nil); p != nil {
		p.Write(w)
		return
	}
	defer a.Ended(ctx)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	next, look := time.NewTicker(eventInterval), time.NewTicker(rightInterval)
	defer next.Stop()
	defer look.Stop()
	for n := 1; s.event(w, n, "flow", s.flowPage()); n++ {
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			case <-next.C:
				waiting = false
			}
			if p := a.Still(ctx); p != nil {
				s.event(w, n+1, "problem", p)
				return
			}
		}
	}
}

// event sends the n-th event of a stream and reports whether another may follow it.
func (s *API) event(w http.ResponseWriter, n int, name string, says any) bool {
	// A stream outlives the server's write timeout: each event has its own.
	// The deadlines of a test recorder are not there, and not needed.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Now().Add(10 * time.Second))
	data, err := json.Marshal(says)
	if err != nil {
		s.Logger.Error("event could not be written", "event", name, "error", err)
		return false
	}
	if _, err := fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", n, name, data); err != nil {
		return false
	}
	return control.Flush() == nil
}

// bindEvents binds the stream of how things flow. It writes by itself and is only
// described here.
func bindEvents(s *API, api huma.API, mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/events", listener.Strict(s.events))
	o := supervised("/v1/events", "events", "流量与数据源，持续推送 / flow and sources, as a stream")
	o.Description = "每两秒一个事件：id 为序号，event 为 flow，data 与 GET /v1/flow 的回答相同。密钥、授权或证书到期或被收回时流随即结束，最后一个事件的 event 为 problem，data 是此后调用会得到的错误 / an event every two seconds: id counts them, event is flow, data is what GET /v1/flow answers. It ends when the key, the grant or the certificate expires or is taken back: event of the last one is problem, its data what a call is answered from then on"
	o.Responses["200"] = &huma.Response{Description: "text/event-stream", Content: map[string]*huma.MediaType{
		"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString, Description: "data: #/components/schemas/FlowPage, #/components/schemas/Problem"}},
	}}
	api.OpenAPI().AddOperation(&o)
}
