package probe

import (
	"context"
	"time"
)

// Look looks at a department's system and changes nothing there. It fails when the system
// cannot be reached; what is wrong with one table is said in it.
type Look func(ctx context.Context, r Request) (Seen, error)

// Request is what is to be looked at.
type Request struct {
	DSN     string        // as the option dsn of a source says it
	Tables  []string      // schema.table; none: all that can be read
	Sample  int           // rows of a table at most, 0: its content is not looked at
	Timeout time.Duration // of one question
}

// Seen is what a look has come to.
type Seen struct {
	Tables []*Table
	Notes  []Said // of the system as a whole
	// Source writes the source's file: its name, its option dsn, which must be a reference, and
	// its datasets.
	Source func(name, dsn string, datasets []*Dataset) string
}
