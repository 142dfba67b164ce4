// Package crash is the one way in which this program tells of a panic: by the
// type of what was panicked with and the places in this tree that it came
// through. What was panicked with may hold somebody's name or number, so it is
// never kept, printed or logged, and neither is a stack with arguments.
//
//	defer func() {
//		if p := recover(); p != nil {
//			err = crash.Of(p)
//		}
//	}()
//
// Every panic is counted by its place (metric yiyuan_process_panics_total, shown by
// Collector) and logged to where
// LogTo said. Both are of the whole process, as panics are: the steps and masks
// that catch them are pure and have no logger.
package crash

import (
	"fmt"
	"log/slog"
	"maps"
	"path"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// module is how the names of this tree's own functions begin.
const module = "github.com/yiyuan-bus/yiyuan/"

// maxFrames bounds how many places an Error tells.
const maxFrames = 8

// Error is a panic that was caught.
type Error struct {
	Type   string   // of what was panicked with: "runtime.boundsError"
	Frames []string // innermost first: "processors/route/process.go:205 show"; never empty
}

// Of describes what recover returned and counts it. It must be called by the
// deferred function itself, so that the panic's frames still stand.
func Of(recovered any) *Error {
	e := &Error{Type: fmt.Sprintf("%T", recovered), Frames: frames()}
	mu.Lock()
	counts[e.Place()]++
	n, log := counts[e.Place()], logger
	mu.Unlock()
	// A row that panics may come a thousand times: then every power of two is told.
	if log != nil && (n <= 8 || n&(n-1) == 0) {
		log.Error("panic caught", "type", e.Type, "place", e.Place(), "through", strings.Join(e.Frames, " < "), "times", n)
	}
	return e
}

// LogTo makes panics be logged from now on.
func LogTo(log *slog.Logger) {
	mu.Lock()
	defer mu.Unlock()
	logger = log
}

// Place is where it happened: the innermost frame of this tree.
func (e *Error) Place() string {
	place, _, _ := strings.Cut(e.Frames[0], " ")
	return place
}

// Error implements error.
func (e *Error) Error() string {
	return "panic of type " + e.Type + " at " + strings.Join(e.Frames, " < ")
}

// frames lists this tree's frames from the one that panicked outwards.
func frames() []string {
	var pcs [64]uintptr
	n := runtime.Callers(3, pcs[:]) // of whoever called Of
	next := runtime.CallersFrames(pcs[:n])
	var out []string
	panicked := false
	for {
		f, more := next.Next()
		switch {
		case strings.HasPrefix(f.Function, "runtime.gopanic") || strings.HasPrefix(f.Function, "runtime.panic") || strings.HasPrefix(f.Function, "runtime.sigpanic"):
			out, panicked = out[:0], true // what stands before are deferred functions
		case panicked && strings.HasPrefix(f.Function, module) && len(out) < maxFrames:
			out = append(out, frame(f))
		}
		if !more {
			break
		}
	}
	if len(out) == 0 {
		return []string{"unknown"}
	}
	return out
}

// frame writes one frame: folder and file under the module, line, function.
func frame(f runtime.Frame) string {
	name := strings.TrimPrefix(f.Function, module)
	folder := path.Dir(name)
	pkg, function, _ := strings.Cut(path.Base(name), ".")
	return path.Join(folder, pkg, path.Base(f.File)) + ":" + strconv.Itoa(f.Line) + " " + function
}

var (
	mu     sync.Mutex
	counts = map[string]uint64{} // by place
	logger *slog.Logger
)

// Collector shows how many panics were caught, by place.
func Collector() prometheus.Collector { return collector{} }

type collector struct{}

var described = prometheus.NewDesc("yiyuan_process_panics_total", "捕获的 panic 次数，按程序中的位置。不为 0 即程序有缺陷：请报告。 / Panics that were caught, by the place in the program. Anything but 0 is a fault of the program: report it.", []string{"place"}, nil)

// Describe implements prometheus.Collector.
func (collector) Describe(out chan<- *prometheus.Desc) { out <- described }

// Collect implements prometheus.Collector.
func (collector) Collect(out chan<- prometheus.Metric) {
	mu.Lock()
	now := maps.Clone(counts)
	mu.Unlock()
	for place, n := range now {
		out <- prometheus.MustNewConstMetric(described, prometheus.CounterValue, float64(n), place)
	}
}
