package registry

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Bounds of a request.
const (
	maxBody    = 1 << 20
	maxNesting = 16 // of a request's JSON; the schema inside it is a string
)

const mediaType = "application/vnd.schemaregistry.v1+json"

// problemError is an error as Confluent's clients know it.
type problemError struct {
	kind    *problem.Kind
	message string // "" = the kind's own
}

func (p *problemError) Error() string {
	if p.message != "" {
		return p.message
	}
	return p.kind.Detail + " / " + p.kind.DetailEN
}

// WriteProblem writes a problem in Confluent's form, for the listener in front.
func WriteProblem(w http.ResponseWriter, p *problem.Problem) {
	w.Header().Set("Content-Type", mediaType)
	p.Headers(w.Header().Set)
	w.WriteHeader(p.Status)
	parts := []string{p.Detail + " / " + p.DetailEN}
	for _, part := range p.Errors {
		parts = append(parts, part.Location+": "+part.Message+" / "+part.MessageEN)
	}
	message := strings.Join(parts, "; ")
	code, err := strconv.Atoi(p.Code)
	if err != nil { // one that every listener answers: clients know it by its status
		code = p.Status
	}
	writeJSON(w, answerError{code, message})
}

type answerError struct {
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

// codes maps what can go wrong to what clients know it by.
var codes = []struct {
	err  error
	kind *problem.Kind
}{
	{errSubjectNotFound, problem.SubjectNotFound},
	{errVersionNotFound, problem.VersionNotFound},
	{codec.ErrUnknownSchema, problem.SchemaNotFound},
	{errSubjectSoftDeleted, problem.SubjectSoftDeleted},
	{errSubjectNotSoftDeleted, problem.SubjectNotDeleted},
	{errVersionSoftDeleted, problem.VersionSoftDeleted},
	{errVersionNotSoftDeleted, problem.VersionNotDeleted},
	{codec.ErrIncompatible, problem.Incompatible},
	{codec.ErrProfile, problem.InvalidSchema},
	{errVersion, problem.InvalidVersion},
	{errInUse, problem.NotPermitted},
	{errFull, problem.NotPermitted},
	{ErrSubject, problem.InvalidSubject},
	{ErrUnavailable, problem.RegistryUnavailable},
}

// Access is what callers of a handler may do; the zero Access lets them read.
type Access struct {
	// MayWrite reports whether a request may register, and change levels and modes.
	// Nil = nobody may.
	MayWrite func(req *http.Request) bool
	// AllowDelete lets those who may write delete.
	AllowDelete bool
}

// endpoint answers a request with a value to be written as JSON.
type endpoint func(req *http.Request) (any, error)

// plain is an answer that is JSON already.
type plain string

// route is one operation: what it does, the query it takes, and whether it
// changes something.
type route struct {
	do      endpoint
	query   string // parameters, by spaces
	writes  bool
	deletes bool
	unlocks bool // also what is read only
}

func (r *Registry) routes() map[string]route {
	const one = "/subjects/{subject}/versions/{version}"
	routes := map[string]route{
		"GET /{$}":                                        {do: func(*http.Request) (any, error) { return struct{}{}, nil }},
		"GET /v1/metadata/id":                             {do: metadata},
		"GET /contexts":                                   {do: func(*http.Request) (any, error) { return []string{"."}, nil }},
		"GET /schemas":                                    {do: r.getSchemas, query: "subjectPrefix deleted latestOnly"},
		"GET /schemas/types":                              {do: func(*http.Request) (any, error) { return []string{"AVRO"}, nil }},
		"GET /schemas/ids/{id}":                           {do: r.getSchema, query: "fetchMaxId subject"},
		"GET /schemas/ids/{id}/schema":                    {do: r.getSchemaText, query: "subject"},
		"GET /schemas/ids/{id}/versions":                  {do: r.getUses, query: "deleted subject"},
		"GET /schemas/ids/{id}/subjects":                  {do: r.getUsers, query: "deleted subject"},
		"GET /subjects":                                   {do: r.getSubjects, query: "subjectPrefix deleted deletedOnly"},
		"POST /subjects/{subject}":                        {do: r.postLookup, query: "deleted normalize"},
		"DELETE /subjects/{subject}":                      {do: r.removeSubject, query: "permanent", deletes: true},
		"GET /subjects/{subject}/versions":                {do: r.getVersions, query: "deleted deletedOnly"},
		"POST /subjects/{subject}/versions":               {do: r.postVersion, query: "normalize", writes: true},
		"GET " + one:                                      {do: r.getVersion, query: "deleted"},
		"GET " + one + "/schema":                          {do: r.getVersionText, query: "deleted"},
		"GET " + one + "/referencedby":                    {do: r.getReferences, query: "deleted"},
		"DELETE " + one:                                   {do: r.removeVersion, query: "permanent", deletes: true},
		"POST /compatibility/subjects/{subject}/versions": {do: r.postCompatibility, query: "verbose normalize"},
		"POST /compatibility/subjects/{subject}/versions/{version}": {do: r.postCompatibility, query: "verbose normalize"},
	}
	for _, at := range []string{"", "/{subject}"} {
		routes["GET /config"+at] = route{do: r.getConfig, query: "defaultToGlobal"}
		routes["PUT /config"+at] = route{do: r.putConfig, writes: true}
		routes["DELETE /config"+at] = route{do: r.deleteConfig, writes: true}
		routes["GET /mode"+at] = route{do: r.getMode, query: "defaultToGlobal"}
		routes["PUT /mode"+at] = route{do: r.putMode, query: "force", writes: true, unlocks: true}
		routes["DELETE /mode"+at] = route{do: r.deleteMode, writes: true, unlocks: true}
	}
	return routes
}

// Handler returns the Confluent REST API. Reading is for everybody; what else
// callers may do, access says.
func (r *Registry) Handler(access Access) http.Handler {
	mux := http.NewServeMux()
	for pattern, of := range r.routes() {
		mux.Handle(pattern, r.serve(of, access))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, pattern := mux.Handler(req); pattern != "" {
			mux.ServeHTTP(w, req)
			return
		}
		kind := problem.NoPath
		if allow := listener.Methods(mux, req, func(pattern string) bool { return pattern != "" }); allow != "" {
			w.Header().Set("Allow", allow)
			kind = problem.Method
		}
		r.refuse(w, req, &problemError{kind: kind})
	})
}

// serve turns an operation into a handler.
func (r *Registry) serve(of route, access Access) http.Handler {
	known := strings.Fields(of.query)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := of.may(req, access); err != nil { // before a byte of the body is read
			r.refuse(w, req, err)
			return
		}
		if (of.writes || of.deletes) && !of.unlocks {
			if err := r.writable(req.PathValue("subject")); err != nil {
				r.refuse(w, req, err)
				return
			}
		}
		if err := checkQuery(req, known); err != nil {
			r.refuse(w, req, err)
			return
		}
		req.Body = http.MaxBytesReader(w, req.Body, maxBody)
		answer, err := of.do(req)
		if err != nil {
			r.refuse(w, req, r.problem(req, err))
			return
		}
		w.Header().Set("Content-Type", media(req))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if text, ok := answer.(plain); ok {
			_, _ = io.WriteString(w, string(text)) // the client is gone: nobody to tell
			return
		}
		writeJSON(w, answer)
	})
}

// may decides whether a caller may have an operation done.
func (of route) may(req *http.Request, access Access) *problemError {
	if strings.HasPrefix(req.PathValue("subject"), ":") {
		return &problemError{problem.RegistryMember, "不支持 contexts：主题名不可以冒号开头 / contexts are not supported: a subject cannot begin with a colon"}
	}
	if !of.writes && !of.deletes {
		return nil
	}
	switch {
	case access.MayWrite == nil:
		return &problemError{kind: problem.RegistryReadOnly}
	case !access.MayWrite(req):
		return &problemError{kind: problem.RegistryKey}
	case of.deletes && !access.AllowDelete:
		return &problemError{kind: problem.RegistryNoDelete}
	}
	return nil
}

// checkQuery refuses what an operation does not take; nothing is dropped.
func checkQuery(req *http.Request, known []string) *problemError {
	raw := req.URL.RawQuery
	if slices.Contains(known, "subjectPrefix") { // the empty prefix is one: that of all
		raw = strings.Join(slices.DeleteFunc(strings.Split(raw, "&"), func(p string) bool { return p == "subjectPrefix=" }), "&")
	}
	values, wrong := listener.Query(raw, known...)
	if len(wrong) > 0 {
		w := wrong[0]
		return &problemError{problem.RegistryMember, w.Location + "：" + w.Message + " / " + w.Location + ": " + w.MessageEN}
	}
	for name, value := range values {
		switch {
		case name == "subject" || name == "subjectPrefix":
			if strings.HasPrefix(value, ":") {
				return &problemError{problem.RegistryMember, name + "：不支持 contexts / " + name + ": contexts are not supported"}
			}
		case value != "true" && value != "false":
			return &problemError{problem.RegistryMember, name + "：须为 true 或 false / " + name + ": must be true or false"}
		case name == "normalize" && value == "true":
			return &problemError{problem.RegistryMember, "normalize：不支持，模式按原样保存 / normalize: not supported, schemas are kept as they are sent"}
		}
	}
	return nil
}

// media is the content type a client wants.
func media(req *http.Request) string {
	if accept := req.Header.Get("Accept"); strings.Contains(accept, "application/json") && !strings.Contains(accept, "schemaregistry") {
		return "application/json"
	}
	return mediaType
}

// refuse answers with an error in Confluent's form, by the listener if there is
// one in front: it counts and tells.
func (r *Registry) refuse(w http.ResponseWriter, req *http.Request, e *problemError) {
	p := e.kind.Of("")
	if e.message != "" {
		_ = p.Says(problem.Halves(e.message))
	}
	if listener.CallOf(req.Context()).ID != "" {
		listener.Refuse(w, req, p)
		return
	}
	WriteProblem(w, p)
}

func writeJSON(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the client is gone: nobody to tell
}

// problem finds the code of an error. What is in no table is ours to look into:
// it is logged, and the client is told no more than that.
func (r *Registry) problem(req *http.Request, err error) *problemError {
	var p *problemError
	if errors.As(err, &p) {
		return p
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			// A stranger who asks for an id that is not there makes the log be read, and
			// may hang up over it: that is nobody's fault here.
			if c.kind == problem.RegistryUnavailable && req.Context().Err() == nil {
				if n, ok := r.told.Tell("unavailable", time.Now()); ok {
					r.logger.Warn("schema log unavailable", "method", req.Method, "times", n, "error", err)
				}
			}
			return &problemError{c.kind, err.Error()}
		}
	}
	if n, ok := r.told.Tell("failed", time.Now()); ok {
		r.logger.Error("schema request failed", "method", req.Method, "times", n, "error", err)
	}
	return &problemError{kind: problem.Internal}
}

// read decodes a request's JSON body. A member that into does not have is refused
// by name, unless it is null.
func read(req *http.Request, into any, known ...string) error {
	if ct := req.Header.Get("Content-Type"); ct != "" {
		media, _, err := mime.ParseMediaType(ct)
		switch {
		case err == nil && (media == "application/json" || media == "application/octet-stream"):
		case err == nil && strings.HasPrefix(media, "application/vnd.schemaregistry") && strings.HasSuffix(media, "+json"):
		default:
			return &problemError{problem.MediaKind, "内容类型须为 " + mediaType + " 或 application/json / unsupported content type"}
		}
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		if kind := listener.BodyProblem(err); kind != nil {
			return &problemError{kind: kind}
		}
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return &problemError{problem.TooLarge, "请求超过 1 MiB / request larger than 1 MiB"}
		}
		return &problemError{problem.BodyCut, "请求未收完 / request cut off"}
	}
	if err := listener.StrictJSON(body, maxNesting); err != nil {
		return &problemError{problem.Request, "请求不是合法的 JSON，或嵌套过深、有重复的成员 / request is not JSON, nested too deep or with duplicate members"}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return &problemError{problem.Request, "请求须为 JSON 对象 / request must be a JSON object"}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(known, name) && string(members[name]) != "null" {
			shown := "?"
			if listener.Plain(name) {
				shown = name
			}
			return &problemError{problem.RegistryMember, shown + "：不支持的成员 / " + shown + ": member not supported"}
		}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &problemError{problem.Request, "请求的类型不符 / request is not JSON of the form expected"}
	}
	return nil
}

func flag(req *http.Request, name string) bool { return req.URL.Query().Get(name) == "true" }
