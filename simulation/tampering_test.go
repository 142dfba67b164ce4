package simulation

import (
	"bytes"
	"context"
	"encoding/hex"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// values is memory that no abort takes back.
type values struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (v *values) put(key, value []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.m == nil {
		v.m = map[string][]byte{}
	}
	v.m[string(key)] = bytes.Clone(value)
}

func (v *values) get(key, value []byte) []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	if mine := v.m[string(key)]; mine != nil {
		return mine
	}
	return value
}

func hexOf(d store.Digest) string { return hex.EncodeToString(d[:]) }

// unmask puts the name of the last golden record into the masked view of it.
func unmask(w *world) func(r bus.Record) []bus.Record {
	var name schemas.Value
	cat := w.city.catalogues[0]
	v, err := cat.View("person.partial")
	if err != nil {
		w.t.Fatal(err)
	}
	writer, err := w.city.codec.Writer(context.Background(), contract.Shared(v.ID).Subject(), v.Layout)
	if err != nil {
		w.t.Fatal(err)
	}
	return func(r bus.Record) []bus.Record {
		switch {
		case r.Value == nil:
		case r.Topic == contract.Resolved("person"):
			if rec, err := w.city.decode(r.Value); err == nil {
				name = rec.Get("XM")
			}
		case r.Topic == contract.Shared(v.ID) && !name.IsNull():
			rec, err := w.city.decode(r.Value)
			if err != nil {
				break
			}
			if value, err := writer.Append(nil, rec.With(v.Layout.Index("XM"), name)); err == nil {
				r.Value = value
			}
		}
		return []bus.Record{r}
	}
}

var asOf = regexp.MustCompile(`"as_of":("[^"]*"|null)`)

// asOfNow makes an answer say that it is as of this moment.
func asOfNow(body string) string {
	return asOf.ReplaceAllString(body, `"as_of":`+string(answer.AppendTime(nil, time.Now())))
}

// rewriting changes what a handler answers.
func rewriting(h http.Handler, change func(status int, body string) (int, string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept := &withheld{header: w.Header(), status: http.StatusOK}
		h.ServeHTTP(kept, r)
		status, body := change(kept.status, kept.body.String())
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // the client of a run does not go away
	})
}

// withheld is an answer that is held back.
type withheld struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (k *withheld) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter.
func (k *withheld) WriteHeader(status int) { k.status = status }

// Write implements http.ResponseWriter.
func (k *withheld) Write(b []byte) (int, error) { return k.body.Write(b) }
