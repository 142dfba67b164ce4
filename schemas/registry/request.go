package registry

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

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

// endpoint answers a request with a value to be written as JSON.
type endpoint func(req *http.Request) (any, error)

// plain is an answer that is JSON already.
type plain string

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
