package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// auditing is which entries of the audit are wanted.
type auditing struct {
	operator
	since                time.Duration
	app, view, decision  string
	about                string
	limit                int
	output               string
	trail                *view.Trail // of whom --about names, nil = of nobody
	matched, read, wrong int
	unjudged             map[string]unjudged // by view
}

func auditCommand() *cobra.Command {
	var a auditing
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "读审计：谁在何时为何用途查了什么，决定如何 / read the audit: who asked what, when, for which purpose, and what was decided",
		Long: `只读主题 audit，什么也不写。条目里没有查询所得的值，也没有查询对象的号码，只有带密钥的摘要：要看谁查过某人，
用 --about 主体，号码从标准输入读（不进命令历史），须有同一密钥文件。审计只记按什么查：按别的主键（如证号）查到此人的行，这样找不到，
命令会在标准错误上逐个视图说出有多少条判断不了；--view 视图把它们列出，--about 数据集 加那一行的主键则查得到。不认识的密钥（也包括已收回的）按网段、按分钟合并为一条 stranger；留痕一度写不进而没有作答的，恢复后补一条 withheld，记自何时起、共多少。
Reads the topic audit and writes nothing. Entries hold no value of an answer and no number of whom was asked about, but its keyed digest:
who asked about somebody is found by --about ENTITY, the number read from standard input, with the same key file. The audit keeps
what was asked by: look-ups that met somebody's row by another key (a certificate's number) are not found so, and the command says on
standard error of which views how many it could not judge; --view VIEW lists them, --about DATASET with the row's own key finds them. Keys that nobody has
(any more) are one entry "stranger" a neighbourhood and minute; what was not answered while no entry could be written is counted by
an entry "withheld" once one can be: since when, and how many.`,
		Example: `  yiyuan audit --config yiyuan.yaml --since 1h
  yiyuan audit --config yiyuan.yaml --app MZ-DBHD --decision deny -o json
  yiyuan audit --config yiyuan.yaml --about person --since 0
  yiyuan audit --config yiyuan.yaml --about MZ01 --since 0`,
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
	f.StringVar(&a.about, "about", "", "主体或数据集：谁查过标准输入里的号码或主键 / entity or dataset: who asked about the number or key on standard input")
	f.IntVar(&a.limit, "limit", 1000, "至多多少条，取最近的 / how many at most, the latest")
	f.StringVarP(&a.output, "output", "o", "table", "table json")
	return cmd
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
	return (a.app == "" || e.App == a.app) && (a.view == "" || e.View == a.view) && (a.decision == "" || e.Decision == a.decision) && a.follows(e)
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
	said := fmt.Sprintf("共 %[1]d 条，读过 %[2]d 条 / %[1]d of %[2]d entries\n", len(entries), a.read)
	if left := a.matched - len(entries); left > 0 {
		said = fmt.Sprintf("另有更早的 %[1]d 条：--limit %[2]d / %[1]d earlier ones: --limit %[2]d\n", left, a.matched)
	}
	if _, err := io.WriteString(talk, said); err != nil {
		return err
	}
	return a.tellUnjudged(talk)
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
