// Package admission reads the body of a question before anybody looks at what it
// asks: its kind, its depth, its form. Size, rate and who may send one at all are
// the listener's.
package admission

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// MaxBody is how large a question may be.
const MaxBody = 1 << 20

const maxDepth = 32

// What Inspect refuses, besides what the listener's body does.
var (
	ErrRequest = errors.New("request cannot be read")
	ErrMedia   = errors.New("body is not plain json")
	// ErrForm says that JSON is legal and not acceptable: duplicate keys, too deep,
	// or not UTF-8.
	ErrForm = errors.New("unacceptable json")
)

// Inspect reads a JSON body in whole, so that what comes after it sees only
// bounded, well-formed input.
func Inspect(r *http.Request) error {
	if r.ContentLength == 0 || r.Body == nil {
		return nil
	}
	if !plain(r.Header.Get("Content-Encoding")) || !isJSON(r.Header.Get("Content-Type")) {
		return ErrMedia
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	if err != nil {
		return err //nolint:wrapcheck // the listener's own, which is looked for
	}
	switch err := listener.StrictJSON(body, maxDepth); {
	case errors.Is(err, listener.ErrForm):
		return ErrForm
	case err != nil:
		return ErrRequest
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json") // media types have no case: what comes after knows one spelling
	return nil
}

// plain says that a body is as it is, by its coding.
func plain(coding string) bool { return coding == "" || strings.EqualFold(coding, "identity") }

func isJSON(contentType string) bool {
	kind, rest, _ := strings.Cut(strings.ToLower(contentType), ";")
	rest = strings.ReplaceAll(strings.TrimSpace(rest), `"`, "")
	return strings.TrimSpace(kind) == "application/json" && (rest == "" || rest == "charset=utf-8")
}
