package api

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// readyz says whether every view can be answered, and with ?verbose which not.
func (s *API) readyz(w http.ResponseWriter, r *http.Request) {
	if !s.Pulse.Answers() {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "cache does not answer\n") // the prober has gone
		return
	}
	missing := s.Pulse.Missing()
	if len(missing) == 0 {
		listener.Lives(w, r)
		return
	}
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = fmt.Fprintf(w, "loading: %d of %d views\n", len(missing), len(s.Views)) // the prober has gone
	if r.URL.Query().Has("verbose") {
		_, _ = fmt.Fprintln(w, strings.Join(missing, "\n")) // the prober has gone
	}
}

// health is the tag of what tells how this process is, and of what it speaks.
const health = "运行 Health"

// describeHealth describes what the listener answers before any limit.
func describeHealth(api *huma.OpenAPI) {
	text := func(says, pattern string) *huma.Response {
		return &huma.Response{Description: says, Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString, Pattern: pattern}}}}
	}
	live := huma.Operation{
		Method: http.MethodGet, Path: "/livez", OperationID: "livez", Tags: []string{health}, Summary: "进程是否活着 / whether the process lives",
		Security: []map[string][]string{{}}, Responses: map[string]*huma.Response{"200": text("活着 / it lives", `^ok\n$`)},
	}
	api.AddOperation(&live)
	ready := huma.Operation{
		Method: http.MethodGet, Path: "/readyz", OperationID: "readyz", Tags: []string{health}, Summary: "各视图是否都可查询 / whether every view can be answered",
		Security: []map[string][]string{{}}, Responses: map[string]*huma.Response{
			"200": text("可以；Kafka 不应答时也是，答案各带截至时间 / they can; also while Kafka does not answer: every answer says as of when it is", `^ok\n$`),
			"503": text("缓存没有回答，或仍在加载 / the cache does not answer, or views are being loaded", `\n$`),
		},
		Parameters: []*huma.Param{{Name: "verbose", In: "query", Schema: &huma.Schema{Type: huma.TypeString, MinLength: ptr(1)}, Description: "逐行列出仍在加载的视图；也可以只写名字 / name the views that are being loaded, one a line; the name alone does too"}},
	}
	api.AddOperation(&ready)
}
