package redis

import (
	"context"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"
)

// OtherError says that what stands in Redis under a prefix is another bus's: records of two
// would be taken for one another.
type OtherError struct {
	Pattern string // of the keys
	Theirs  string // the bus that has them
	Ours    string
}

func (e *OtherError) Error() string {
	return fmt.Sprintf("the keys %s are of bus %s, and this is bus %s", e.Pattern, e.Theirs, e.Ours)
}

// owner holds the keys of a prefix against the bus that they are of. What bears no mark yet
// gets ours.
type owner struct {
	prefix string
	bus    string // "" = not known: nothing is marked and nothing is refused
	writer *goredis.Client
}

// ownerKey is where the bus of all keys of a prefix is kept.
func ownerKey(prefix string) string { return prefix + ":bus" }

// check returns an OtherError if the keys are another bus's.
func (o owner) check(ctx context.Context) error {
	if o.bus == "" {
		return nil
	}
	if err := o.writer.SetNX(ctx, ownerKey(o.prefix), o.bus, 0).Err(); err != nil {
		return fmt.Errorf("mark the keys with their bus: %w", err)
	}
	theirs, err := ownerOf(ctx, o.writer, o.prefix)
	if err != nil {
		return err
	}
	if theirs != o.bus && theirs != "" { // emptied in between: the next look marks it
		return &OtherError{o.prefix + ":*", theirs, o.bus}
	}
	return nil
}

// ownerOf reads whose the keys of a prefix are, "" if they bear no mark.
func ownerOf(ctx context.Context, c *goredis.Client, prefix string) (string, error) {
	bus, err := c.Get(ctx, ownerKey(prefix)).Result()
	if err != nil && !errors.Is(err, goredis.Nil) {
		return "", fmt.Errorf("read whose the keys are: %w", err)
	}
	return bus, nil
}
