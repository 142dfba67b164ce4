package bus_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
)

const (
	narrow = `{"type":"record","name":"GA01","namespace":"raw","fields":[{"name":"XM","type":"string"}]}`
	broken = `{"type":"record","name":"GA01","namespace":"raw","fields":[{"name":"XM","type":"long"}]}`
)

// nowhere is the layout of a record whose schema is not registered.
var nowhere = schemas.MustLayout("raw", "GA01", schemas.Column{Name: "XM", Type: schemas.String})

// TestOutsideRegistry asks our own registry as if it were somebody else's.
func TestOutsideRegistry(t *testing.T) {
	t.Parallel()
	b := bustest.Embedded(t).Open(t, nil)
	if err := b.Ensure(t.Context(), contract.Spec{Topic: contract.Schemas, Partitions: 1, Compact: true}); err != nil {
		t.Fatal(err)
	}
	ours, err := registry.Open(t.Context(), b.SchemaLog(), "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ours.Close)
	server := httptest.NewServer(ours.Handler(registry.Access{MayWrite: func(*http.Request) bool { return true }}))
	t.Cleanup(server.Close)
	outside, err := bus.OutsideRegistry(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := outside.Register(t.Context(), "hr.GA01-value", narrow)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := outside.Register(t.Context(), "hr.GA01-value", narrow); again != id || err != nil {
		t.Errorf("Register again = %d, %v, want %d", again, err, id)
	}
	if text, err := outside.Schema(t.Context(), id); text != narrow || err != nil {
		t.Errorf("Schema = %s, %v", text, err)
	}
	if _, err := outside.Schema(t.Context(), id+100); !errors.Is(err, codec.ErrUnknownSchema) {
		t.Errorf("Schema of an unknown id = %v, want ErrUnknownSchema", err)
	}
	if _, err := outside.Register(t.Context(), "hr.GA01-value", broken); !errors.Is(err, codec.ErrIncompatible) {
		t.Errorf("Register of what does not fit = %v, want ErrIncompatible", err)
	}
	if _, err := outside.Register(t.Context(), "hr.GA01-value", `{"type":"nonsense"}`); !errors.Is(err, codec.ErrProfile) {
		t.Errorf("Register of what is no schema = %v, want ErrProfile", err)
	}
	// A record that names an unknown id is the data's fault, for the steps too.
	if _, err := codec.New(outside).Reader(nowhere).Decode(t.Context(), []byte{0, 0, 0, 1, 0, 2, 'x'}); !errors.Is(err, codec.ErrUnknownSchema) {
		t.Errorf("Decode = %v, want ErrUnknownSchema", err)
	}
}

// TestOutsideRegistryFails holds that what may pass is never taken for a verdict
// about a schema: records would go to quarantine for a fault of the network.
func TestOutsideRegistryFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   error // nil: none of the codec's
	}{
		"no such schema":    {404, `{"error_code":40403,"message":"Schema not found"}`, codec.ErrUnknownSchema},
		"not Avro":          {200, `{"schema":"syntax = \"proto3\";","schemaType":"PROTOBUF"}`, codec.ErrUnknownSchema},
		"a proxy's 404":     {404, `<html>no such page</html>`, nil},
		"another 404":       {404, `{"error_code":404,"message":"HTTP 404 Not Found"}`, nil},
		"not let in":        {401, `{"error_code":401,"message":"Unauthorized"}`, nil},
		"forbidden":         {403, `{"error_code":40301,"message":"Denied"}`, nil},
		"asked too often":   {429, `{"error_code":429,"message":"Too many requests"}`, nil},
		"store down":        {500, `{"error_code":50001,"message":"Error in the backend data store"}`, nil},
		"no leader":         {500, `{"error_code":50004,"message":"Unknown leader"}`, nil},
		"proxy down":        {502, `bad gateway`, nil},
		"not JSON":          {200, `<html>log in first</html>`, nil},
		"hangs up half-way": {0, `{"schema":"`, nil},
		"closed on arrival": {-1, ``, nil},
		"nobody is there":   {-2, ``, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				switch c.status {
				case -1:
					panic(http.ErrAbortHandler)
				case 0:
					w.Header().Set("Content-Length", "4096")
				default:
					w.WriteHeader(c.status)
				}
				_, _ = io.WriteString(w, c.body) // the client is the test
			}))
			if c.status == -2 {
				server.Close()
			} else {
				t.Cleanup(server.Close)
			}
			outside, err := bus.OutsideRegistry(server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = outside.Schema(t.Context(), 7)
			if err == nil {
				t.Fatal("Schema = nil error")
			}
			for _, kind := range []error{codec.ErrUnknownSchema, codec.ErrIncompatible, codec.ErrProfile, codec.ErrMalformed} {
				if got := errors.Is(err, kind); got != errors.Is(c.want, kind) {
					t.Errorf("Schema = %v: is %v: %v", err, kind, got)
				}
			}
		})
	}
}
