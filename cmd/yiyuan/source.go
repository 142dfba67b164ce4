package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/connectors"
)

func sourceCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "source", Aliases: []string{"connector"}, Short: "查看、停止、启动、退役、重读数据源，探查部门的库并起草数据源 / list, stop, start, retire and resync sources; probe a department's database and draft one"}
	cmd.AddCommand(sourceList(),
		sourceVerb("stop NAME", "停止一个数据源，重启后仍停（位置保留）/ stop a source, over restarts too; its position is kept", connectors.Stop),
		sourceVerb("start NAME", "从原位置继续 / go on from where it stopped", func(ctx context.Context, b *bus.Bus, name, _ string) error { return connectors.Start(ctx, b, name) }),
		sourceRetire(),
		sourceAnswer("accept NAME FILE", "同意一份将删除过多行的文件（编号见 ls）/ let a file be taken that would delete too much, by its number in ls"),
		sourceAnswer("refuse NAME FILE", "退回这样的文件，或说明未能接收的文件已了结 / refuse such a file, or say that one that was refused is settled"),
		sourceResync(), sourceInit())
	return cmd
}

func sourceList() *cobra.Command {
	var c sourceClient
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Short: "列出数据源及其状态、原因和怎么办 / list sources, their state, why, and what to do", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.list(cmd.Context(), cmd.OutOrStdout(), asJSON)
		},
	}
	c.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "给程序用的 JSON / JSON, for programs")
	return cmd
}

func sourceVerb(use, short string, order func(ctx context.Context, b *bus.Bus, name, by string) error) *cobra.Command {
	var c sourceClient
	verb, _, _ := strings.Cut(use, " ")
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd.Context(), cmd.OutOrStdout(), args[0], "/sources/"+url.PathEscape(args[0])+"/"+verb, func(ctx context.Context, a *process.Process) error {
				return order(ctx, a.Bus, args[0], account())
			})
		},
	}
	c.flags(cmd)
	return cmd
}

func sourceRetire() *cobra.Command {
	var c sourceClient
	var drop bool
	cmd := &cobra.Command{
		Use: "retire NAME", Short: "退役：停止，且其数据集不再等它（位置保留）/ stop for good: its datasets no longer wait for it",
		Example: "  yiyuan source retire ga-pg\n  yiyuan source retire ga-pg --drop", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "/sources/" + url.PathEscape(args[0]) + "/retire"
			if drop {
				return c.drop(cmd.Context(), cmd.OutOrStdout(), path+"?drop=true")
			}
			return c.ask(cmd.Context(), cmd.OutOrStdout(), args[0], path, func(ctx context.Context, a *process.Process) error {
				return connectors.Retire(ctx, a.Bus, args[0], account())
			})
		},
	}
	c.flags(cmd)
	cmd.Flags().BoolVar(&drop, "drop", false, "同时删除它在部门系统里建的对象（复制槽、自建的发布），须由运行它的进程来做；之后只能从头重读 / also remove what it has made in the department's system (slot, own publication), by the process that runs it; after that it can only be read again from the beginning")
	return cmd
}

// drop has the process that runs the source retire it and remove what it has made.
func (c *sourceClient) drop(ctx context.Context, out io.Writer, path string) error {
	page, err := c.page(ctx, http.MethodPost, path, nil)
	if err != nil {
		return err
	}
	if err := c.writeSources(out, page); err != nil {
		return err
	}
	if len(page.Dropped) == 0 {
		page.Dropped = []string{"这类数据源在部门系统里没有建任何对象 / a source of this kind makes nothing in the department's system"}
	}
	_, err = fmt.Fprintf(out, "\n%s\n", strings.Join(page.Dropped, "\n"))
	return err
}

// sourceAnswer answers about a file that is held. The process that runs the source is
// needed: the answer stands in its folder.
func sourceAnswer(use, short string) *cobra.Command {
	var c sourceClient
	verb, _, _ := strings.Cut(use, " ")
	cmd := &cobra.Command{
		Use: use, Short: short, Example: "  yiyuan source " + verb + " jy-files 00000012", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			page, err := c.page(cmd.Context(), http.MethodPost, "/sources/"+url.PathEscape(args[0])+"/"+verb+"?item="+url.QueryEscape(args[1]), nil)
			if err != nil {
				return err
			}
			return c.writeSources(cmd.OutOrStdout(), page)
		},
	}
	c.flags(cmd)
	return cmd
}

func sourceResync() *cobra.Command {
	var c sourceClient
	var dry bool
	var accept int64
	var part sourceBackfill
	cmd := &cobra.Command{
		Use: "resync NAME", Short: "重读一个数据源或其中一张表：多出的删除，差异改正 / read a source, or a table of it, again and delete what it has no more",
		Long: `从头重读整个数据源：每一行以新的纪元重新发布，部门已经没有的行在最后删除；读完之前 as_of 不动。进程中途退出也会接着做完。
位置丢失（slot 没了、数据库被恢复到旧副本等）时，这是唯一的办法。要删的行超过 20% 时停下等 --accept-deletes N；
mode: append 的文件数据源要把整张表的文件放进投放目录，删除任何行都先停下询问。
加 --table 只补读一张表或其中一段主键：变更照常读取，as_of 照走，有效的行一刻也不缺；范围内不再有的行在最后删除，多于 20% 时等 --accept-deletes，
其余照常。能补读的是 PostgreSQL。位置丢失时不能只补读。
Reads the whole source again under a raised epoch; what the department has no more is deleted at the end, and as_of stands still until
then. It is the one remedy of a lost position, goes on after a crash, and asks (--accept-deletes N) before it deletes more than 20%.
A file source in mode append wants the file of the whole table in its drop folder, and asks before it deletes any row.
With --table a table alone, or a range of its keys, is read again beside the stream: changes go on, so does as_of, and no valid row
is missing for a moment; what is no longer there is deleted at the end, and of more than 20% it waits for --accept-deletes while
all else goes on. Of PostgreSQL; not while a position is lost.`,
		Example: "  yiyuan source resync ga-pg --dry-run\n  yiyuan source resync ga-pg\n  yiyuan source resync ga-pg --table ga.t_czrk --window 22:00-06:00 --rate 5000\n  yiyuan source resync ga-pg --table ga.t_czrk --from '[\"a\",1]' --to '[\"b\",9]'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "/sources/" + url.PathEscape(args[0]) + "/resync"
			if part.given(cmd) {
				return part.run(cmd, &c, args[0], dry, accept)
			}
			if dry {
				c.timeout = max(c.timeout, time.Hour)
				return c.trial(cmd.Context(), cmd.OutOrStdout(), path+"?dry_run=true")
			}
			if accept < 0 {
				return usageError(cmd, fmt.Errorf("--accept-deletes %[1]d 不能为负 / --accept-deletes %[1]d must not be negative", accept))
			}
			return c.ask(cmd.Context(), cmd.OutOrStdout(), args[0], path+"?accept_deletes="+strconv.FormatInt(accept, 10), func(ctx context.Context, a *process.Process) error {
				return a.OrderResync(ctx, args[0], accept)
			})
		},
	}
	c.flags(cmd)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "只数一数会新增、改变、删除多少行，什么都不写（文件数据源不能试读）/ only count what would be new, changed and deleted; nothing is written (not of a file source)")
	cmd.Flags().Int64Var(&accept, "accept-deletes", 0, "同意删除至多这么多行 / say yes to so many deletes")
	part.flags(cmd)
	return cmd
}
