package engine

import "errors"

// ErrHandedOver says that a partition's local state is another worker's by now.
var ErrHandedOver = errors.New("partition was handed over")

// ErrLater says that records cannot be processed yet: what is needed for it
// cannot be reached at the moment.
var ErrLater = errors.New("暂时无法处理 / cannot be processed yet")

// StepError is an error of a worker's own: not Kafka's, so a new session does
// not mend it and the step stops.
type StepError struct{ Err error }

func (e *StepError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *StepError) Unwrap() error { return e.Err }
