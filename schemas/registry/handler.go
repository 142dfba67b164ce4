package registry

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

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
	{errNoAvro, problem.InvalidSchema},
	{errVersion, problem.InvalidVersion},
	{errReferenced, problem.Referenced},
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
		"GET /contexts":                                   {do: getContexts, query: "contextPrefix" + paging},
		"GET /schemas":                                    {do: r.getSchemas, query: "subjectPrefix deleted latestOnly aliases" + paging},
		"GET /schemas/types":                              {do: func(*http.Request) (any, error) { return []string{"AVRO"}, nil }},
		"GET /schemas/ids/{id}":                           {do: r.getSchema, query: "fetchMaxId subject format referenceFormat reference_format findTags"},
		"GET /schemas/ids/{id}/schema":                    {do: r.getSchemaText, query: "subject format"},
		"GET /schemas/ids/{id}/versions":                  {do: r.getUses, query: "deleted subject" + paging},
		"GET /schemas/ids/{id}/subjects":                  {do: r.getUsers, query: "deleted subject" + paging},
		"GET /subjects":                                   {do: r.getSubjects, query: "subjectPrefix deleted deletedOnly deleted_only" + paging},
		"POST /subjects/{subject}":                        {do: r.postLookup, query: "deleted normalize format"},
		"DELETE /subjects/{subject}":                      {do: r.removeSubject, query: "permanent", deletes: true},
		"GET /subjects/{subject}/versions":                {do: r.getVersions, query: "deleted deletedOnly deleted_only" + paging},
		"POST /subjects/{subject}/versions":               {do: r.postVersion, query: "normalize format", writes: true},
		"GET " + one:                                      {do: r.getVersion, query: "deleted format referenceFormat reference_format findTags"},
		"GET " + one + "/schema":                          {do: r.getVersionText, query: "deleted format"},
		"GET " + one + "/referencedby":                    {do: r.getReferences, query: "deleted" + paging},
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
		ctx, cancel := context.WithTimeout(req.Context(), clientTimeout)
		defer cancel()
		answer, err := of.do(req.WithContext(ctx))
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
	raw = strings.Join(slices.DeleteFunc(strings.Split(raw, "&"), func(p string) bool { // empty, these say nothing
		name, empty := strings.CutSuffix(p, "=")
		return empty && slices.Contains(mayBeEmpty, name) && slices.Contains(known, name)
	}), "&")
	values, wrong := listener.Query(raw, known...)
	if len(wrong) > 0 {
		w := wrong[0]
		return &problemError{problem.RegistryMember, w.Location + "：" + w.Message + " / " + w.Location + ": " + w.MessageEN}
	}
	for name, value := range values {
		if err := checkParameter(name, value); err != nil {
			return err
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
