package claim

import (
	"context"
	"errors"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// Read decodes the framed content of a row whose record key is known. Content
// that names a schema id which the registry has lost is tried under the dataset's
// own schema, and taken if it is whole, every value fits its element and it bears
// that key: then it can be nothing else. Errors are those of codec.Reader.
func Read(ctx context.Context, d *schemas.Dataset, r *codec.Reader, key, value string, slab *schemas.Slab) (schemas.Record, error) {
	rec, err := r.DecodeText(ctx, value, slab)
	if err == nil || !errors.Is(err, codec.ErrUnknownSchema) || errors.Is(err, codec.ErrIncompatible) || errors.Is(err, codec.ErrProfile) {
		return rec, err
	}
	own, lost := r.DecodeOwn(value, slab)
	if lost != nil || !Bears(d, own, key) {
		return rec, err
	}
	for i, f := range d.Fields {
		if _, bad := element.Accept(f.Element, own.Value(i)); bad != nil || own.Value(i).IsNull() && !f.Nullable {
			return rec, err
		}
	}
	return own, nil
}

// Bears reports whether key is the record key of a row.
func Bears(d *schemas.Dataset, row schemas.Record, key string) bool {
	if len(d.KeyIndex) == 1 {
		v := element.Normal(d.Fields[d.KeyIndex[0]].Element, row.Value(d.KeyIndex[0]))
		if v.Kind() == schemas.KindString && !strings.ContainsAny(v.Str(), "|%") {
			return v.Str() == key
		}
	}
	parts := make([]string, len(d.KeyIndex))
	for i, at := range d.KeyIndex {
		parts[i] = element.RenderNormal(d.Fields[at].Element, row.Value(at))
	}
	return schemas.JoinKey(parts...) == key
}
