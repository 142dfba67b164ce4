package codec

import (
	"errors"
	"fmt"
)

// The bounds of messages and schemas.
const (
	MaxMessage = 1 << 20   // bytes of a framed value
	MaxRows    = 10_000    // rows of one Rows value
	MaxFields  = 512       // fields of a schema, those of nested records included
	MaxDepth   = 8         // records inside one another
	MaxSchema  = 512 << 10 // bytes of a schema's text

	maxCells   = 1 << 20 // values of one decoded record, nested ones included
	maxCached  = 1024    // writer schemas kept by a codec, and programs by a reader
	headerSize = 5
)

// The kinds of failure. Errors of this package wrap one of them.
var (
	// ErrMalformed says that bytes are not a record of the schema they name.
	ErrMalformed = errors.New("内容损坏 / malformed value")
	// ErrTooLarge says that a value is longer than MaxMessage. It is ErrMalformed too.
	ErrTooLarge = fmt.Errorf("内容过大 / value too large: %w", ErrMalformed)
	// ErrUnknownSchema says that a value's schema is not registered or cannot be
	// read into the layout asked for. A Registry wraps it when it knows no such id.
	ErrUnknownSchema = errors.New("模式未知或不相容 / unknown or incompatible schema")
	// ErrIncompatible says that one schema cannot read what the other writes.
	ErrIncompatible = errors.New("模式不相容 / incompatible schema")
	// ErrProfile says that a schema is not Avro or not within the profile.
	ErrProfile = errors.New("模式不符合规范 / schema outside the profile")
	// ErrValue says that a record cannot be written under its layout.
	ErrValue = errors.New("值与字段类型不符 / value does not fit its column")
)
