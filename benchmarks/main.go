// Command benchmarks measures the whole journey, the program yiyuan as it is
// shipped, each figure beside its limit on the same broker in the same run.
//
//	steps      route and resolve: changes a second until every claim is resolved; limit: a bare exactly-once copy of what they write
//	engine     claims to golden record, findings and one view, against Kafka Streams and goka; limit: a bare exactly-once copy of what it writes
//	lookups    authorised, audited, masked lookups a second; limit: a bare handler doing one GET on the same Redis
//	freshness  commit in PostgreSQL to the gateway's answer at 1,000 changes a second; limits: commit to raw topic, bare Kafka
//	demo       seconds from exec to the ready line
//
// It runs yiyuan as a process of its own, so that CPU time and memory are the
// program's and not the generator's. The services are found in
// YIYUAN_TEST_KAFKA, YIYUAN_TEST_POSTGRES and YIYUAN_TEST_REDIS (the test bed
// sets them); a job whose services are missing is left out, and says so. A run
// whose results are wrong has no figure: it is an error. README.md says how
// each job measures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// revision is the commit that is measured, set by the linker: see the script run.
var revision = "unknown"

// bench is one invocation.
type bench struct {
	yiyuan  string // the binary
	dir     string // scratch, gone at the end
	kafka   string
	postgre string
	redis   string
	quick   bool
	rounds  int    // of the steps
	persons int    // of the engine
	many    int    // persons of the engine's large state, 0 = left out
	streams string // class path of the engine's Kafka Streams peer, "" = left out
	goka    string // the engine's goka peer, "" = left out
	profile string // folder for profiles and metrics, "" = none
	talk    io.Writer
	table   table
}

func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.talk, time.Now().Format("15:04:05 ")+format+"\n", args...) // progress; the terminal may be gone
}

type job struct {
	name string
	run  func(*bench, context.Context) error
}

// jobs are the measurements in the order of the table.
var jobs = []job{
	{"demo", (*bench).demo},
	{"steps", (*bench).steps},
	{"engine", (*bench).engine},
	{"lookups", (*bench).lookups},
	{"freshness", (*bench).freshness},
}

// children are the processes that a job starts beside yiyuan: the limits, and
// the embedded broker where it is measured alone.
var children = map[string]func(ctx context.Context, args []string) error{
	"child-broker": childBroker,
	"child-copy":   childCopy,
	"child-bare":   childBare,
	"child-engine": childEngine,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 {
		if child, ok := children[os.Args[1]]; ok {
			exit(child(ctx, os.Args[2:]))
		}
	}
	exit(run(ctx, os.Args[1:]))
}

func exit(err error) {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, "benchmarks:", err)
	os.Exit(1)
}

func run(ctx context.Context, args []string) (err error) {
	b := &bench{
		kafka: os.Getenv("YIYUAN_TEST_KAFKA"), postgre: os.Getenv("YIYUAN_TEST_POSTGRES"), redis: os.Getenv("YIYUAN_TEST_REDIS"),
		talk: os.Stderr,
	}
	var out string
	f := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	f.StringVar(&b.yiyuan, "yiyuan", "bin/yiyuan", "the program to measure")
	f.BoolVar(&b.quick, "quick", false, "short runs: whether it works, not how fast it is")
	f.StringVar(&out, "out", "", "append the table to this file too")
	f.IntVar(&b.rounds, "rounds", 2, "how often steps and engine run on each broker, in turns")
	f.IntVar(&b.persons, "persons", 100_000, "persons of the engine's input, four claims each")
	f.IntVar(&b.many, "large", 0, "measure the engine with so many persons too, 1000000 for example")
	f.StringVar(&b.streams, "streams", "", "class path of the engine's Kafka Streams peer, see engine/streams/build")
	f.StringVar(&b.goka, "goka", "", "the engine's goka peer, see engine/goka/build")
	f.StringVar(&b.profile, "profile", "", "write CPU profiles (steps, engine, lookups) and metrics (steps) into this folder")
	f.Usage = func() {
		_, _ = fmt.Fprintf(f.Output(), "usage: benchmarks [flags] [job...]\njobs: demo steps engine lookups freshness (default: all)\n")
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return err
	}
	if b.yiyuan, err = filepath.Abs(b.yiyuan); err != nil {
		return fmt.Errorf("find %q: %w", b.yiyuan, err)
	}
	if _, err := os.Stat(b.yiyuan); err != nil {
		return fmt.Errorf("no program to measure, make build first: %w", err)
	}
	if b.dir, err = os.MkdirTemp("", "yiyuan-bench-"); err != nil {
		return fmt.Errorf("make a scratch folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	for _, name := range f.Args() {
		if !slices.ContainsFunc(jobs, func(j job) bool { return j.name == name }) {
			return fmt.Errorf("no job %q; flags stand before jobs, jobs are demo steps engine lookups freshness", name)
		}
	}
	b.table.begin(b)
	var failed error
	for _, job := range jobs {
		if len(f.Args()) > 0 && !slices.Contains(f.Args(), job.name) {
			continue
		}
		if err := job.run(b, ctx); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", job.name, err))
			b.say("%s: no figure: %v", job.name, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed, b.table.write(os.Stdout, out))
}
