package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// row is one line of the published table.
type row struct {
	what   string
	broker string // and cache
	figure string
	limit  string // measured in the same run
	ratio  string
	goal   string // of design.md section 10, "" = none
	more   string
}

// table is what a run has measured.
type table struct {
	head string
	rows []row
}

// begin notes where and when.
func (t *table) begin(b *bench) {
	kind := "full"
	if b.quick {
		kind = "quick: shows that it works, figures are not to be quoted"
	}
	t.head = fmt.Sprintf("## %s (%s)\n\n%s; yiyuan %s; load average at the start %s.\n",
		time.Now().Format("2006-01-02 15:04 MST"), kind, machine(), revision, loadAverage())
}

func (t *table) add(b *bench, r row) {
	t.rows = append(t.rows, r)
	b.say("%s | %s | %s | limit %s | ratio %s | %s", r.what, r.broker, r.figure, r.limit, r.ratio, r.more)
}

// write writes the table to w and appends it to a file.
func (t *table) write(w io.Writer, file string) error {
	if len(t.rows) == 0 {
		return nil
	}
	var s strings.Builder
	s.WriteString(t.head + "\n| what | broker, cache | figure | limit in the same run | ratio | goal | beside it |\n|---|---|---|---|---|---|---|\n")
	for _, r := range t.rows {
		fmt.Fprintf(&s, "| %s | %s | %s | %s | %s | %s | %s |\n", r.what, r.broker, r.figure, dash(r.limit), dash(r.ratio), dash(r.goal), dash(r.more))
	}
	s.WriteByte('\n')
	if _, err := io.WriteString(w, s.String()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("keep table: %w", err)
	}
	_, err = f.WriteString(s.String())
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("keep table: %w", err)
	}
	return nil
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// machine describes where the figures come from.
func machine() string {
	cpu, memory := "unknown processor", ""
	for _, line := range lines("/proc/cpuinfo") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			cpu = strings.TrimSpace(value)
			break
		}
	}
	for _, line := range lines("/proc/meminfo") {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			if kib, err := strconv.Atoi(strings.Fields(rest)[0]); err == nil {
				memory = fmt.Sprintf(", %d GiB", kib>>20)
			}
		}
	}
	return fmt.Sprintf("%d cores (%s)%s, %s/%s, %s", runtime.NumCPU(), cpu, memory, runtime.GOOS, runtime.GOARCH, runtime.Version())
}

func lines(file string) []string {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil // another system: the line is left out
	}
	return strings.Split(string(b), "\n")
}

func loadAverage() string {
	if l := lines("/proc/loadavg"); len(l) > 0 {
		return strings.Join(strings.Fields(l[0])[:1], " ")
	}
	return "unknown"
}

// quantiles are of latencies.
type quantiles struct{ p50, p99, max time.Duration }

// quantilesOf sorts all.
func quantilesOf(all []time.Duration) quantiles {
	if len(all) == 0 {
		return quantiles{}
	}
	slices.Sort(all)
	at := func(q float64) time.Duration { return all[min(len(all)-1, int(q*float64(len(all))))] }
	return quantiles{at(0.50), at(0.99), all[len(all)-1]}
}

func (q quantiles) String() string {
	return fmt.Sprintf("p50 %s, p99 %s", millis(q.p50), millis(q.p99))
}

// millis writes a duration in milliseconds, with as many digits as matter.
func millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// count writes a number with separators.
func count[N int | int64 | float64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// median of a few runs.
func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	s := slices.Clone(all)
	slices.Sort(s)
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// spread writes how far runs lie apart.
func spread(all []float64) string {
	if len(all) < 2 {
		return ""
	}
	return fmt.Sprintf("%s to %s over %d runs", count(slices.Min(all)), count(slices.Max(all)), len(all))
}
