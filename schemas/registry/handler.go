package registry

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

// Bounds of a request.
const (
	maxBody    = 1 << 20
	maxNesting = 16 // of a request's JSON; the schema inside it is a string
)

const mediaType = "application/vnd.schemaregistry.v1+json"

// The error codes of the Confluent API.
const (
	codeSubjectNotFound       = 40401
	codeVersionNotFound       = 40402
	codeSchemaNotFound        = 40403
	codeSubjectSoftDeleted    = 40404
	codeSubjectNotSoftDeleted = 40405
	codeVersionSoftDeleted    = 40406
	codeVersionNotSoftDeleted = 40407
	codeLevelNotFound         = 40408
	codeIncompatible          = 409
	codeInvalidSchema         = 42201
	codeInvalidVersion        = 42202
	codeInvalidLevel          = 42203
	codeInvalidMode           = 42204
	codeNotPermitted          = 42205
	codeInvalidSubject        = 42208
	codeStore                 = 50001
)

// problemError is an error with its code; the status is the code's first digits.
type problemError struct {
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

func (p *problemError) Error() string { return p.Message }

// codes maps what can go wrong to what clients know it by.
var codes = []struct {
	err  error
	code int
}{
	{errSubjectNotFound, codeSubjectNotFound},
	{errVersionNotFound, codeVersionNotFound},
	{codec.ErrUnknownSchema, codeSchemaNotFound},
	{errSubjectSoftDeleted, codeSubjectSoftDeleted},
	{errSubjectNotSoftDeleted, codeSubjectNotSoftDeleted},
	{errVersionSoftDeleted, codeVersionSoftDeleted},
	{errVersionNotSoftDeleted, codeVersionNotSoftDeleted},
	{codec.ErrIncompatible, codeIncompatible},
	{codec.ErrProfile, codeInvalidSchema},
	{errVersion, codeInvalidVersion},
	{errInUse, codeNotPermitted},
	{errFull, codeNotPermitted},
	{ErrSubject, codeInvalidSubject},
	{ErrUnavailable, codeStore},
}

// endpoint answers a request with a value to be written as JSON.
type endpoint func(req *http.Request) (any, error)

// plain is an answer that is JSON already.
type plain string

// Handler returns the Confluent REST API. It asks nobody who they are: put it
// behind what does.
func (r *Registry) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, e := range map[string]endpoint{
		"GET /{$}":                                                  func(*http.Request) (any, error) { return struct{}{}, nil },
		"GET /contexts":                                             func(*http.Request) (any, error) { return []string{"."}, nil },
		"GET /schemas":                                              r.getSchemas,
		"GET /schemas/types":                                        func(*http.Request) (any, error) { return []string{"AVRO"}, nil },
		"GET /schemas/ids/{id}":                                     r.getSchema,
		"GET /schemas/ids/{id}/schema":                              r.getSchemaText,
		"GET /schemas/ids/{id}/versions":                            r.getUses,
		"GET /schemas/ids/{id}/subjects":                            r.getUsers,
		"GET /subjects":                                             r.getSubjects,
		"POST /subjects/{subject}":                                  r.postLookup,
		"DELETE /subjects/{subject}":                                r.removeSubject,
		"GET /subjects/{subject}/versions":                          r.getVersions,
		"POST /subjects/{subject}/versions":                         r.postVersion,
		"GET /subjects/{subject}/versions/{version}":                r.getVersion,
		"GET /subjects/{subject}/versions/{version}/schema":         r.getVersionText,
		"GET /subjects/{subject}/versions/{version}/referencedby":   r.getReferences,
		"DELETE /subjects/{subject}/versions/{version}":             r.removeVersion,
		"POST /compatibility/subjects/{subject}/versions":           r.postCompatibility,
		"POST /compatibility/subjects/{subject}/versions/{version}": r.postCompatibility,
		"GET /config":                                               r.getConfig,
		"PUT /config":                                               r.putConfig,
		"DELETE /config":                                            r.deleteConfig,
		"GET /config/{subject}":                                     r.getConfig,
		"PUT /config/{subject}":                                     r.putConfig,
		"DELETE /config/{subject}":                                  r.deleteConfig,
		"GET /mode":                                                 r.getMode,
		"PUT /mode":                                                 r.putMode,
		"GET /mode/{subject}":                                       r.getMode,
		"PUT /mode/{subject}":                                       r.putMode,
	} {
		mux.Handle(pattern, r.serve(e))
	}
	return mux
}

// serve turns an endpoint into a handler.
func (r *Registry) serve(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Body = http.MaxBytesReader(w, req.Body, maxBody)
		media := mediaType
		if accept := req.Header.Get("Accept"); strings.Contains(accept, "application/json") && !strings.Contains(accept, "schemaregistry") {
			media = "application/json"
		}
		w.Header().Set("Content-Type", media)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		answer, err := e(req)
		if err != nil {
			p := r.problem(req, err)
			status := p.Code
			for status > 999 {
				status /= 10
			}
			w.WriteHeader(status)
			answer = p
		}
		if text, ok := answer.(plain); ok {
			_, _ = io.WriteString(w, string(text)) // the client is gone: nobody to tell
			return
		}
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(answer) // likewise
	})
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
			if c.code == codeStore {
				r.logger.Warn("schema log unavailable", "method", req.Method, "error", err)
			}
			return &problemError{c.code, err.Error()}
		}
	}
	r.logger.Error("schema request failed", "method", req.Method, "error", err)
	return &problemError{http.StatusInternalServerError, "内部错误 / internal error"}
}

// read decodes a request's JSON body. Unknown names are let pass, as clients of
// newer versions send them.
func read(req *http.Request, into any) error {
	if ct := req.Header.Get("Content-Type"); ct != "" {
		media, _, err := mime.ParseMediaType(ct)
		switch {
		case err == nil && (media == "application/json" || media == "application/octet-stream"):
		case err == nil && strings.HasPrefix(media, "application/vnd.schemaregistry") && strings.HasSuffix(media, "+json"):
		default:
			return &problemError{http.StatusUnsupportedMediaType, "内容类型须为 " + mediaType + " 或 application/json / unsupported content type"}
		}
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return &problemError{http.StatusRequestEntityTooLarge, "请求超过 1 MiB / request larger than 1 MiB"}
		}
		return &problemError{http.StatusBadRequest, "请求未收完 / request cut off"}
	}
	if nesting(body) > maxNesting {
		return &problemError{http.StatusBadRequest, "JSON 嵌套过深 / JSON nested too deep"}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &problemError{http.StatusBadRequest, "请求不是合法的 JSON 或类型不符 / request is not JSON of the form expected"}
	}
	return nil
}

// nesting returns how deep brackets stand in one another, outside strings. It
// comes before the JSON reader, whose work grows with depth.
func nesting(body []byte) int {
	deepest, depth := 0, 0
	inString, escaped := false, false
	for _, c := range body {
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped, inString = c == '\\', c != '"'
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

func flag(req *http.Request, name string) bool {
	set, err := strconv.ParseBool(req.URL.Query().Get(name))
	return err == nil && set
}
