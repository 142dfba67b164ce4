package doctor

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
)

// The checks that say by which catalogue everything else is judged.
const (
	checkInForce = "catalogue.in_force"
	checkRuns    = "catalogue.runs"
)

// first puts in front that what runs goes by another catalogue than the folder: other
// findings may come of that alone.
func first(found []Finding) []Finding {
	slices.SortStableFunc(found, func(a, b Finding) int { return order(a) - order(b) })
	return found
}

func order(f Finding) int {
	if f.Grade != OK && (f.Check == checkInForce || f.Check == checkRuns) {
		return 0
	}
	return 1
}

// runs is the line of the metric that says which catalogue a process runs.
var runs = regexp.MustCompile(`(?m)^yiyuan_process_catalogue_state\{version="([^"]*)",which="` + process.CatalogueRuns + `"\} 1$`)

// running asks the process at the operators' listener of the configuration which catalogue
// it runs. One that does not answer runs elsewhere, or not at all: that is no finding.
func (d *doctor) running(ctx context.Context) []Finding {
	version, err := d.asksVersion(ctx)
	at := d.cfg.Admin.Listen
	switch {
	case err != nil:
		return []Finding{warning(checkRuns, fmt.Sprintf("%[1]s 上的进程不告知它用的目录 / the process at %[1]s does not say which catalogue it runs: %[2]s", at, terminal.FirstLine(err)),
			"核对 admin.listen、admin.token_file / look at admin.listen and admin.token_file")}
	case version == "":
		return nil
	case version != d.cat.Version:
		return []Finding{problemFound(checkRuns, fmt.Sprintf("%[1]s 上的进程仍用目录 %[2]s，生效的是 %[3]s；其余各项以 %[3]s 为准，有的差异只因如此 / the process at %[1]s still runs the catalogue %[2]s, and %[3]s is in force; the rest is judged by %[3]s, and some differences come of that alone", at, version, d.cat.Version),
			"重启该进程；它若属于别的总线，核对 --config、--brokers / restart that process; if it is of another bus, look at --config and --brokers")}
	}
	return []Finding{fine(checkRuns, fmt.Sprintf("%[1]s 上的进程用的是生效的目录 / the process at %[1]s runs the catalogue in force", at))}
}

// asksVersion returns which catalogue the process at the operators' listener runs, "" if
// there is none there.
func (d *doctor) asksVersion(ctx context.Context) (string, error) {
	at := d.cfg.AdminURL()
	if at == "" {
		return "", nil // there is no such listener
	}
	asks, err := settings.Trust{}.Pinned(d.cfg.Listeners.Files("admin"))
	if err != nil {
		return "", err
	}
	defer asks.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/metrics", nil)
	if err != nil {
		return "", terminal.WithoutURL(err)
	}
	if file := d.cfg.Admin.TokenFile; file != "" {
		token, err := settings.SecretFile(file)
		if err != nil {
			return "", err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := asks.Do(req)
	if err != nil {
		return "", nil // nobody is there
	}
	defer res.Body.Close() //nolint:errcheck // read as far as it is needed
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d: %w", res.StatusCode, errNoAnswer)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return "", fmt.Errorf("read metrics: %w", err)
	}
	m := runs.FindSubmatch(text)
	if m == nil {
		return "", errNoAnswer
	}
	return string(m[1]), nil
}
