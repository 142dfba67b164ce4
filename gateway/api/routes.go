package api

import (
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/gateway/console"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// New builds the API: it compiles what is described.
func New(parts Parts, reg prometheus.Registerer) *API {
	parts.Topology, parts.DemoApps = whole(parts.Topology), wholeApps(parts.DemoApps)
	s := &API{Parts: parts, metrics: newMetrics(reg), catalog: catalog.New(parts.Catalogue)}
	s.server = s.routes()
	return s
}

// Server returns the API and the console, with every limit but those of the
// connection.
func (s *API) Server() *listener.Server { return s.server }

// routes builds the handler of the API and the console.
func (s *API) routes() *listener.Server {
	mux := http.NewServeMux()
	s.register(mux)
	mux.Handle(consolePages, console.Handler(nobody))
	s.mux = mux
	health := map[string]http.HandlerFunc{"/livez": listener.Strict(listener.Lives), "/readyz": listener.Strict(s.readyz, "verbose")}
	for path, h := range health { // else another method were told that there is no such address
		mux.HandleFunc("GET "+path, h)
	}
	return listener.New(listener.Config{
		Shared: s.Shared, Name: "gateway", Logger: s.Logger, Admit: s.admit, Refused: s.refused, OwnHost: s.Open,
		Health: health,
	}, http.HandlerFunc(s.answer))
}

// nobody answers for what there is not.
func nobody(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" {
		w.Header().Set("Allow", "GET, HEAD")
		listener.Refuse(w, r, problem.Method.Of(""))
		return
	}
	listener.Refuse(w, r, problem.NoPath.Of(""))
}

// arraysOfValues has huma describe arrays as what they are: none that is answered is null, and none that is asked with can be. huma holds it
// for all of a process, so it is said once, before anything is described.
var arraysOfValues = sync.OnceFunc(func() { huma.DefaultArrayNullable = false })

// register adds the operations that huma binds and describes to the mux.
func (s *API) register(mux *http.ServeMux) {
	arraysOfValues()
	config := huma.DefaultConfig("一源 Yiyuan", "1")
	config.Info.Description = "政务数据共享交换总线：查询、核验、目录。凡 GET 也答 HEAD，只有状态和头 / government data exchange: look-up, verification, catalogue. What answers GET answers HEAD too, with status and headers alone"
	config.DocsPath, config.SchemasPath = "", "" // the stock pages load from outside
	config.CreateHooks = nil                     // no $schema links in answers
	config.Transformers = []huma.Transformer{s.transform}
	config.Components = &huma.Components{
		Schemas:         huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
		SecuritySchemes: map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer", Description: "应用密钥 / the application's API key"}},
	}
	// Else a moment were described as the struct that it is, and not as the text that it
	// is written as. By a pointer: it is null where it is not known.
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[answer.Time](), reflect.TypeFor[*time.Time]())
	config.Security = []map[string][]string{{"key": {}}}
	api := humago.New(mux, config)
	api.UseMiddleware(strictQuery, s.strictNames(api))
	bindLookup(s, api, mux)
	for _, bind := range []func(*API, huma.API){
		bindVerify, bindExplain, bindCatalogue, bindFindings, bindIndicators, bindFlow, bindQuarantine, bindVerifications, bindTopology, bindMe, bindApps,
	} {
		bind(s, api)
	}
	bindEvents(s, api, mux)
	describeHealth(api.OpenAPI())
	finish(api.OpenAPI(), s.Open)
	s.names = names(api.OpenAPI(), s.Views)
}
