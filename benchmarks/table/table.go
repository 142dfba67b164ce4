// Package table is the published table: its rows, and the figures in them as they are written.
package table

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Row is one line of the published table.
type Row struct {
	What   string
	Broker string // and cache
	Figure string
	Limit  string // measured in the same run
	Ratio  string
	Goal   string // of design.md section 10, "" = none
	More   string
}

// Table is what a run has measured.
type Table struct {
	head string
	rows []Row
}

// Begin notes where, when and of what the figures are; a quick run shows only that all of it works.
func (t *Table) Begin(quick bool, machine, revision, load string) {
	kind := "full"
	if quick {
		kind = "quick: shows that it works, figures are not to be quoted"
	}
	t.head = fmt.Sprintf("## %s (%s)\n\n%s; yiyuan %s; load average at the start %s.\n",
		time.Now().Format("2006-01-02 15:04 MST"), kind, machine, revision, load)
}

// Add adds a row.
func (t *Table) Add(r Row) { t.rows = append(t.rows, r) }

// Write writes the table to w and appends it to a file.
func (t *Table) Write(w io.Writer, file string) error {
	if len(t.rows) == 0 {
		return nil
	}
	var s strings.Builder
	s.WriteString(t.head + "\n| what | broker, cache | figure | limit in the same run | ratio | goal | beside it |\n|---|---|---|---|---|---|---|\n")
	for _, r := range t.rows {
		fmt.Fprintf(&s, "| %s | %s | %s | %s | %s | %s | %s |\n", r.What, r.Broker, r.Figure, dash(r.Limit), dash(r.Ratio), dash(r.Goal), dash(r.More))
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
