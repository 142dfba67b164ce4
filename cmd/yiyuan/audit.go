package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// auditing is which entries of the audit are wanted.
type auditing struct {
	operator
	since                time.Duration
	app, view, decision  string
	about, digest        string
	limit                int
	output               string
	matched, read, wrong int
}

func auditCommand() *cobra.Command {
	var a auditing
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "读审计：谁在何时为何用途查了什么，决定如何 / read the audit: who asked what, when, for which purpose, and what was decided",
		Long: `只读主题 audit，什么也不写。条目里没有查询所得的值，也没有查询对象的号码，只有带密钥的摘要：要看谁查过某人，
用 --about 主体，号码从标准输入读（不进命令历史），须有同一密钥文件。不认识的密钥（也包括已收回的）按网段、按分钟合并为一条 stranger。
Reads the topic audit and writes nothing. Entries hold no value of an answer and no number of whom was asked about, but its keyed digest:
who asked about somebody is found by --about ENTITY, the number read from standard input, with the same key file. Keys that nobody has
(any more) are one entry "stranger" a neighbourhood and minute.`,
		Example: `  yiyuan audit --config yiyuan.yaml --since 1h
  yiyuan audit --config yiyuan.yaml --app MZ-DBHD --decision deny -o json
  yiyuan audit --config yiyuan.yaml --about person --since 0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case a.output != "table" && a.output != "json":
				return usageError(cmd, fmt.Errorf("-o 可为 table、json，不能是 %[1]q / -o is table or json, not %[1]q", a.output))
			case a.decision != "" && a.decision != audit.Allow && a.decision != audit.Deny:
				return usageError(cmd, fmt.Errorf("--decision 可为 allow、deny，不能是 %[1]q / --decision is allow or deny, not %[1]q", a.decision))
			case a.since < 0 || a.limit < 1:
				return usageError(cmd, errors.New("--since 不能为负（0 为全部），--limit 须为正 / --since is not negative (0 = all), --limit is positive"))
			}
			if a.about != "" {
				if err := a.whom(cmd.InOrStdin()); err != nil {
					return err
				}
			}
			return a.with(cmd.Context(), func(ctx context.Context, b *bus.Bus) error {
				entries, err := a.entries(ctx, b, time.Now())
				if err != nil {
					return err
				}
				return a.write(cmd.OutOrStdout(), cmd.ErrOrStderr(), entries)
			})
		},
	}
	a.flags(cmd)
	f := cmd.Flags()
	f.DurationVar(&a.since, "since", 24*time.Hour, "多久以来，0 为全部 / how far back, 0 = all")
	f.StringVar(&a.app, "app", "", "应用编号 / application")
	f.StringVar(&a.view, "view", "", "视图 / view")
	f.StringVar(&a.decision, "decision", "", "allow deny")
	f.StringVar(&a.about, "about", "", "主体：谁查过标准输入里的号码 / entity: who asked about the number on standard input")
	f.IntVar(&a.limit, "limit", 1000, "至多多少条，取最近的 / how many at most, the latest")
	f.StringVarP(&a.output, "output", "o", "table", "table json")
	return cmd
}

// whom reads the number asked about and keeps its digest alone.
func (a *auditing) whom(in io.Reader) error {
	cfg, err := settings.Load(a.file)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	cat, err := wiring.Catalogue(cfg.Catalogue)
	if err != nil {
		return err
	}
	e, err := cat.Entity(a.about)
	if err != nil {
		var known []string
		for _, e := range cat.Entities {
			known = append(known, e.ID)
		}
		return exit.With(exit.NotFound, fmt.Errorf("目录中没有主体 %[1]q；可用：%[2]s / the catalogue has no entity %[1]q. Known: %[2]s", a.about, strings.Join(known, " ")))
	}
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("读标准输入 / read standard input: %w", err)
	}
	key, err := element.Parse(e.Key.Element, strings.TrimSpace(line))
	if err != nil || key.IsNull() {
		return exit.With(exit.Usage, fmt.Errorf("标准输入的第一行不是主体 %[1]s 的号码 / the first line of standard input is no number of entity %[1]s", a.about))
	}
	if cfg.Keys.File == "" {
		return exit.With(exit.Usage, errors.New("--about 须有密钥文件（keys.file，--config） / --about needs the key file (keys.file, --config)"))
	}
	keys, err := keyring.Load(cfg.Keys.File)
	if err != nil {
		return err
	}
	a.digest = keys.DigestHex(contract.AuditLabel(e.ID), key.Str())
	return nil
}

// entries are those wanted, the latest limit of them, by time.
func (a *auditing) entries(ctx context.Context, b *bus.Bus, now time.Time) ([]audit.Entry, error) {
	if _, err := b.Partitions(ctx, contract.Audit); errors.Is(err, cluster.ErrNoTopic) {
		return nil, exit.With(exit.NotFound, errors.New("这里还没有审计：总线没有在这个 Kafka 上启动过，或者 bus.prefix 不同 / there is no audit here: the bus was never started on this Kafka, or its bus.prefix is another"))
	}
	c, closes, err := process.LookCodec(ctx, a.cfg.Registry, b)
	if err != nil {
		return nil, err
	}
	defer closes()
	reader := c.Reader(contract.AuditLayout)
	var out []audit.Entry
	byTime := func(x, y audit.Entry) int { return cmp.Or(x.Time.Compare(y.Time), cmp.Compare(x.ID, y.ID)) }
	cut := func(most int) {
		slices.SortFunc(out, byTime)
		out = slices.Delete(out, 0, max(len(out)-most, 0))
	}
	err = b.Peek(ctx, contract.Audit, func(r bus.Record) error {
		a.read++
		record, err := reader.Decode(ctx, r.Value)
		if err != nil {
			a.wrong++
			return nil //nolint:nilerr // counted and told: what others wrote into the topic hides nothing behind it
		}
		e := audit.ParseEntry(record)
		if a.since > 0 && now.Sub(e.Time) > a.since || !a.wants(&e) {
			return nil
		}
		a.matched++
		if out = append(out, e); len(out) >= 2*a.limit {
			cut(a.limit)
		}
		return nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, exit.With(exit.Unavailable, fmt.Errorf("%[1]s 内没有读完审计（已读 %[2]d 条），加长 --timeout / the audit was not read within %[1]s (%[2]d entries so far): give a longer --timeout", a.timeout, a.read))
	}
	if err != nil {
		return nil, err
	}
	cut(a.limit)
	return out, nil
}

func (a *auditing) wants(e *audit.Entry) bool {
	return (a.app == "" || e.App == a.app) && (a.view == "" || e.View == a.view) && (a.decision == "" || e.Decision == a.decision) &&
		(a.digest == "" || slices.ContainsFunc(e.Subjects, func(s audit.Subject) bool { return s.Digest == a.digest }))
}

// write writes the entries, and beside them what was left out.
func (a *auditing) write(to, talk io.Writer, entries []audit.Entry) error {
	if err := a.list(to, entries); err != nil {
		return err
	}
	if a.wrong > 0 {
		if _, err := fmt.Fprintf(talk, "%[1]d 条不是审计条目，已略过 / %[1]d records are no entries and were left out\n", a.wrong); err != nil {
			return err
		}
	}
	if left := a.matched - len(entries); left > 0 {
		_, err := fmt.Fprintf(talk, "另有更早的 %[1]d 条：--limit %[2]d / %[1]d earlier ones: --limit %[2]d\n", left, a.matched)
		return err
	}
	_, err := fmt.Fprintf(talk, "共 %[1]d 条，读过 %[2]d 条 / %[1]d of %[2]d entries\n", len(entries), a.read)
	return err
}

func (a *auditing) list(to io.Writer, entries []audit.Entry) error {
	if a.output == "json" {
		lines := json.NewEncoder(to)
		for i := range entries {
			if err := lines.Encode(&entries[i]); err != nil {
				return err
			}
		}
		return nil
	}
	rows := [][]string{{"时间 TIME", "应用 APP", "操作 OPERATION", "视图 VIEW", "用途 PURPOSE", "决定 DECISION", "原因 REASON", "条数 ROWS", "编号 ID"}}
	for _, e := range entries {
		who, n := cmp.Or(e.App, e.Client), strconv.Itoa(e.Rows)
		if e.Count > 0 {
			n = "×" + strconv.Itoa(e.Count)
		}
		rows = append(rows, []string{e.Time.In(schemas.Zone).Format("2006-01-02 15:04:05.000"), who, e.Operation, e.View, e.Purpose, e.Decision, e.Reason, n, e.ID})
	}
	return terminal.Table(to, rows)
}
