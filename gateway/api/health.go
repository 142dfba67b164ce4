package api

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// readyz says whether every view can be answered and the answers audited, and with ?verbose which not.
func (s *API) readyz(w http.ResponseWriter, r *http.Request) {
	away := func(says string) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, says+"\n") // the prober has gone
	}
	if !s.Pulse.Answers() {
		away("cache does not answer")
		return
	}
	if _, lost := s.Pulse.Kafka(); lost { // no audit entry, no answer
		away("kafka does not answer")
		return
	}
	if _, lost := s.Pulse.Audit(); lost {
		away("audit takes no entries")
		return
	}
	missing := s.Pulse.Missing()
	verbose := r.URL.Query().Has("verbose")
	if len(missing) == 0 {
		listener.Lives(w, r)
		if next := s.Pulse.Fresh.Successor(); next != nil && verbose {
			_, _ = fmt.Fprintf(w, "former catalogue: %s runs, %s is in force, start the process again; %d views are stale or not answered\n", s.Catalogue.Version, next.Version, len(next.Views)) // the prober has gone
			for _, id := range next.Views {
				_, _ = fmt.Fprintln(w, id) // the prober has gone
			}
		}
		return
	}
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = fmt.Fprintf(w, "loading: %d of %d views\n", len(missing), len(s.Views)) // the prober has gone
	if verbose {
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
			"200": text("可以；verbose 时，若本网关运行的不是生效的目录，另有说明 / they can; with verbose it is told as well that this gateway runs a former catalogue", `^ok\n`),
			"503": text("缓存没有应答，或 Kafka 有 15 秒没有应答，或主题 audit 不接受留痕（留痕写不进，查询一律答 503），或仍在加载 / the cache does not answer, or Kafka has not for 15 seconds, or the topic audit takes no entries (no answer without its audit entry: every look-up is 503), or views are being loaded", `\n$`),
		},
		Parameters: []*huma.Param{{Name: "verbose", In: "query", Schema: &huma.Schema{Type: huma.TypeString, MinLength: ptr(1)}, Description: "逐行列出仍在加载的视图；也可以只写名字 / name the views that are being loaded, one a line; the name alone does too"}},
	}
	api.AddOperation(&ready)
}
