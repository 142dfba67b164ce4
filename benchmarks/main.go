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
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/yiyuan-bus/yiyuan/benchmarks/engine"
	"github.com/yiyuan-bus/yiyuan/benchmarks/process"
	"github.com/yiyuan-bus/yiyuan/benchmarks/site"
)

// revision is the commit that is measured, set by the linker: see the script run.
var revision = "unknown"

type job struct {
	name string
	run  func(bench, context.Context) error
}

// jobs are the measurements in the order of the table.
var jobs = []job{
	{"demo", bench.demo},
	{"steps", bench.steps},
	{"engine", func(b bench, ctx context.Context) error { return engine.Run(ctx, b.Bench) }},
	{"lookups", bench.lookups},
	{"freshness", bench.freshness},
}

// children are the processes that a job starts beside yiyuan: the limits, and
// the embedded broker where it is measured alone.
var children = map[string]func(ctx context.Context, args []string) error{
	"child-broker": site.ChildBroker,
	"child-copy":   site.ChildCopy,
	"child-bare":   childBare,
	"child-engine": engine.Child,
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
	b := bench{&site.Bench{
		Kafka: os.Getenv("YIYUAN_TEST_KAFKA"), Postgres: os.Getenv("YIYUAN_TEST_POSTGRES"), Redis: os.Getenv("YIYUAN_TEST_REDIS"),
		Talk: os.Stderr,
	}}
	var out string
	f := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	f.StringVar(&b.Yiyuan, "yiyuan", "bin/yiyuan", "the program to measure")
	f.BoolVar(&b.Quick, "quick", false, "short runs: whether it works, not how fast it is")
	f.StringVar(&out, "out", "", "append the table to this file too")
	f.IntVar(&b.Rounds, "rounds", 2, "how often steps and engine run on each broker, in turns")
	f.IntVar(&b.Persons, "persons", 100_000, "persons of the engine's input, four claims each")
	f.IntVar(&b.Many, "large", 0, "measure the engine with so many persons too, 1000000 for example")
	f.StringVar(&b.Streams, "streams", "", "class path of the engine's Kafka Streams peer, see engine/streams/build")
	f.StringVar(&b.Goka, "goka", "", "the engine's goka peer, see engine/goka/build")
	f.StringVar(&b.Profile, "profile", "", "write CPU profiles (steps, engine, lookups) and metrics (steps) into this folder")
	f.Usage = func() {
		_, _ = fmt.Fprintf(f.Output(), "usage: benchmarks [flags] [job...]\njobs: demo steps engine lookups freshness (default: all)\n")
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return err
	}
	if b.Yiyuan, err = filepath.Abs(b.Yiyuan); err != nil {
		return fmt.Errorf("find %q: %w", b.Yiyuan, err)
	}
	if _, err := os.Stat(b.Yiyuan); err != nil {
		return fmt.Errorf("no program to measure, make build first: %w", err)
	}
	if b.Dir, err = os.MkdirTemp("", "yiyuan-bench-"); err != nil {
		return fmt.Errorf("make a scratch folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.Dir)) }()
	for _, name := range f.Args() {
		if !slices.ContainsFunc(jobs, func(j job) bool { return j.name == name }) {
			return fmt.Errorf("no job %q; flags stand before jobs, jobs are demo steps engine lookups freshness", name)
		}
	}
	b.Table.Begin(b.Quick, process.Machine(), revision, process.LoadAverage())
	var failed error
	for _, job := range jobs {
		if len(f.Args()) > 0 && !slices.Contains(f.Args(), job.name) {
			continue
		}
		if err := job.run(b, ctx); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", job.name, err))
			b.Say("%s: no figure: %v", job.name, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed, b.Table.Write(os.Stdout, out))
}
