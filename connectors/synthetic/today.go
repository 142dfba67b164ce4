package synthetic

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Live is Open for a bus that runs: its rules go by the clock of the machine, so a city
// of another day would have other contradictions than its truth file says. A day that
// is not today is refused; a city that was begun stays of the day it was begun on, also
// while it is read again.
func Live(ctx context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
	return openLive(ctx, cfg, after, time.Now)
}

func openLive(ctx context.Context, cfg connectors.Config, after schemas.Position, now func() time.Time) (connectors.Source, error) {
	if text, ok := cfg.Options["base"].(string); ok && text != "" && !cfg.Again {
		day, of := now().In(schemas.Zone).Format(time.DateOnly), "今天 / today"
		if after != "" {
			var p position
			if err := json.Unmarshal([]byte(after), &p); err == nil {
				day, of = p.Base, "这座城开始的那天 / the day on which this city was begun"
			}
		}
		if text != day {
			return nil, fmt.Errorf("open synthetic source %q: %w", cfg.Name, OtherDay(text, day, of))
		}
	}
	return open(ctx, cfg, after, now)
}

// OtherDay is the error of a base day that is not the one that must be.
func OtherDay(given, want, of string) error {
	return fmt.Errorf("base %s 不是 %s（%s）：规则按本机时钟判断，别的日子会与真值文件不符；请删去 base / base %s is not %s (%s): rules go by the machine's clock, and a city of another day has other contradictions than its truth file says; leave base out: %w",
		given, want, of, given, want, of, connectors.ErrConfig)
}

// Today is the day of the city that begins now.
func Today(now time.Time) string { return now.In(schemas.Zone).Format(time.DateOnly) }

// TruthDay reads from a truth file of which day its city is, zero if there is no such
// file.
func TruthDay(file string) (time.Time, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read truth file: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	first, err := bufio.NewReader(f).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return time.Time{}, fmt.Errorf("read truth file: %w", err)
	}
	var run runLine
	if err := json.Unmarshal(first, &run); err != nil || run.Type != "run" {
		return time.Time{}, nil // cut off while it was written: it is written anew
	}
	day, err := time.ParseInLocation(time.DateOnly, run.Base, schemas.Zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("read truth file: %w", err)
	}
	return day, nil
}
