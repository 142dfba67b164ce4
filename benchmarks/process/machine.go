package process

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Machine describes where the figures come from.
func Machine() string {
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

// LoadAverage is that of the last minute, "unknown" where there is no /proc.
func LoadAverage() string {
	if l := lines("/proc/loadavg"); len(l) > 0 {
		return strings.Join(strings.Fields(l[0])[:1], " ")
	}
	return "unknown"
}

func lines(file string) []string {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil // another system: the line is left out
	}
	return strings.Split(string(b), "\n")
}

// Usage is what a process has used so far.
type Usage struct {
	CPU  time.Duration
	Peak int64 // resident bytes at the most
}

// UsageOf reads what a process has used from the system; zero where there is no /proc.
func UsageOf(pid int) Usage {
	var u Usage
	dir := "/proc/" + strconv.Itoa(pid)
	if stat, err := os.ReadFile(dir + "/stat"); err == nil {
		// The name in parentheses may hold anything; the numbers come after it.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 12 {
			user, _ := strconv.ParseInt(fields[11], 10, 64)   // the kernel's own form
			system, _ := strconv.ParseInt(fields[12], 10, 64) // likewise
			u.CPU = time.Duration(user+system) * 10 * time.Millisecond
		}
	}
	for _, line := range lines(dir + "/status") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64) // the kernel's own form
			u.Peak = kib << 10
		}
	}
	return u
}
