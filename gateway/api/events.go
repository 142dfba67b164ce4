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

// eventInterval is how often /v1/events says how things flow.
const eventInterval = 2 * time.Second

// events answers GET /v1/events: the flow page again and again, as server-sent
// events, until the client hangs up.
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
	control := http.NewResponseController(w)
	tick := time.NewTicker(eventInterval)
	defer tick.Stop()
	for n := 1; ; n++ {
		// A stream outlives the server's write timeout: each event has its own.
		// The deadlines of a test recorder are not there, and not needed.
		_ = control.SetReadDeadline(time.Time{})
		_ = control.SetWriteDeadline(time.Now().Add(10 * time.Second))
		data, err := json.Marshal(s.flowPage())
		if err != nil {
			s.Logger.Error("flow could not be written", "error", err)
			return
		}
		if _, err := fmt.Fprintf(w, "id: %d\nevent: flow\ndata: %s\n\n", n, data); err != nil {
			return
		}
		if err := control.Flush(); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if p := a.Supervise(ctx); p != nil {
			return // the right to look has been taken back
		}
	}
}

// bindEvents binds the stream of how things flow. It writes by itself and is only
// described here.
func bindEvents(s *API, api huma.API, mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/events", listener.Strict(s.events))
	o := supervised("/v1/events", "events", "流量与数据源，持续推送 / flow and sources, as a stream")
	o.Description = "每两秒一个事件：id 为序号，event 为 flow，data 与 GET /v1/flow 的回答相同 / an event every two seconds: id counts them, event is flow, data is what GET /v1/flow answers"
	o.Responses["200"] = &huma.Response{Description: "text/event-stream", Content: map[string]*huma.MediaType{
		"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString, Description: "data: #/components/schemas/FlowPage"}},
	}}
	api.OpenAPI().AddOperation(&o)
}
