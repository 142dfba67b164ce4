package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Append writes records outside any transaction and returns when all of them
// are durable on every in-sync replica. Calls that run at the same time share
// their requests. If it fails, some of the records may have been written.
func (b *Bus) Append(ctx context.Context, records ...Record) error {
	var wait sync.WaitGroup
	errs := make([]error, len(records))
	for i := range records {
		wait.Add(1)
		b.plain.Produce(ctx, b.out(&records[i]), func(_ *kgo.Record, err error) {
			errs[i] = err
			wait.Done()
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("append %d records: %w", len(records), err)
	}
	return nil
}
