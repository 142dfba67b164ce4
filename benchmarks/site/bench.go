// Package site is what the jobs of the benchmarks stand on: the invocation (Bench), a deployment of yiyuan with topics and keys of its own (Site),
// the made-up city's rows for it, what was written to it and whether that is right (Written), and the bare copy that is the limit.
package site

import (
	"fmt"
	"io"
	"time"

	"github.com/yiyuan-bus/yiyuan/benchmarks/table"
)

// Bench is one invocation.
type Bench struct {
	Yiyuan   string // the binary
	Dir      string // scratch, gone at the end
	Kafka    string
	Postgres string
	Redis    string
	Quick    bool
	Rounds   int    // of the steps
	Persons  int    // of the engine
	Many     int    // persons of the engine's large state, 0 = left out
	Streams  string // class path of the engine's Kafka Streams peer, "" = left out
	Goka     string // the engine's goka peer, "" = left out
	Profile  string // folder for profiles and metrics, "" = none
	Talk     io.Writer
	Table    table.Table
}

// Say tells of progress on Talk.
func (b *Bench) Say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.Talk, time.Now().Format("15:04:05 ")+format+"\n", args...) // progress; the terminal may be gone
}

// Add adds a row to the table, and says it.
func (b *Bench) Add(r table.Row) {
	b.Table.Add(r)
	b.Say("%s | %s | %s | limit %s | ratio %s | %s", r.What, r.Broker, r.Figure, r.Limit, r.Ratio, r.More)
}
