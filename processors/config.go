package processors

import (
	"time"

	"github.com/yiyuan-bus/yiyuan/processors/state"
)

// Config says how steps run in this process.
type Config struct {
	Store      *state.Store // shared by all steps of the process
	Workers    int          // of each step; 2, so that one works while another commits
	MaxRecords int          // of one transaction at the most; 20,000
	MaxBytes   int          // of one transaction, give or take a poll; 16 MiB
	// CommitInterval is how long a transaction may go on taking in records; 100
	// ms. When no more are there it is committed at once.
	CommitInterval time.Duration
	// Standby, if not 0, keeps the state of the partitions that other processes
	// hold warm in this one, so that a take-over rolls forward a tail only. It
	// costs the disk and the reading of the whole changelog in every process.
	Standby  int
	Instance string // names this process among those that share the work, stable over restarts
	Clock    func() time.Time
	Metrics  *Metrics
}
