package bus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

// fetchTimeout bounds the look-up of a schema: a worker waits for it.
const fetchTimeout = 2 * time.Second

// SchemaRegistry is an outside registry reached over its Confluent REST API. It
// implements codec.Registry and fails as the embedded one does: what the
// registry has decided is one of the codec's errors, anything else (it cannot be
// reached, a proxy before it fails, it refuses our password) is not and may pass.
type SchemaRegistry struct{ client *sr.Client }

// OutsideRegistry returns a client of the registry at a URL, which sends as a bearer
// key what key, if it is not nil, returns with each request: keys change while a process
// runs.
func OutsideRegistry(url string, key func() string) (*SchemaRegistry, error) {
	opts := []sr.ClientOpt{sr.URLs(url)}
	if key != nil {
		opts = append(opts, sr.PreReq(func(r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+key())
			return nil
		}))
	}
	client, err := sr.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	return &SchemaRegistry{client}, nil
}

// Register registers an Avro schema under a subject and returns its id. It fails
// with codec.ErrIncompatible or codec.ErrProfile if the registry refuses it.
func (r *SchemaRegistry) Register(ctx context.Context, subject, schema string) (int, error) {
	s, err := r.client.CreateSchema(ctx, subject, sr.Schema{Schema: schema})
	if err != nil {
		return 0, fmt.Errorf("register schema of %q: %w", subject, verdict(err))
	}
	return s.ID, nil
}

// Schema returns the schema of that id, codec.ErrUnknownSchema if there is none
// or if it is not Avro.
func (r *SchemaRegistry) Schema(ctx context.Context, id int) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	s, err := r.client.SchemaByID(ctx, id)
	if err != nil {
		return "", fmt.Errorf("fetch schema %d: %w", id, verdict(err))
	}
	if s.Type != sr.TypeAvro {
		return "", fmt.Errorf("fetch schema %d, its type is %s: %w", id, s.Type, codec.ErrUnknownSchema)
	}
	return s.Schema, nil
}

// verdict adds the codec's error to what a registry has decided. The code of the
// answer's body counts, not the HTTP status: a 404 without one comes from
// whatever stands before the registry, and to take it for "no such schema" would
// send good records to quarantine.
func verdict(err error) error {
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return failed.Err // the rest names the address, twice
	}
	var answer *sr.ResponseError
	if !errors.As(err, &answer) {
		return err
	}
	switch answer.SchemaError() {
	case sr.ErrSchemaNotFound:
		return fmt.Errorf("%w: %w", codec.ErrUnknownSchema, err)
	case sr.ErrIncompatibleSchema:
		return fmt.Errorf("%w: %w", codec.ErrIncompatible, err)
	case sr.ErrInvalidSchema:
		return fmt.Errorf("%w: %w", codec.ErrProfile, err)
	}
	return fmt.Errorf("status %d: %w", answer.StatusCode, err)
}
