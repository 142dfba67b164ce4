package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/fleet"
)

// sourceClient asks the admin listener of the process that runs the sources or,
// where none runs, the bus itself.
type sourceClient struct {
	client
	config string
	cfg    settings.Config // of config, if one is given
}

// errNoAdmin says that a configuration tells no address to ask.
var errNoAdmin = errors.New("该配置不开管理端口（admin.listen 为空，或端口为 0），没有地址可问；其地址可用 --gateway 指定 / the configuration opens no operators' listener (admin.listen is empty, or its port 0), so there is no address to ask: one can be given by --gateway")

func sourceCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "source", Aliases: []string{"connector"}, Short: "查看、停止、启动、退役、重读数据源 / list, stop, start, retire and resync sources"}
	cmd.AddCommand(sourceList(),
		sourceVerb("stop NAME", "停止一个数据源，重启后仍停（位置保留）/ stop a source, over restarts too; its position is kept", connectors.Stop),
		sourceVerb("start NAME", "从原位置继续 / go on from where it stopped", func(ctx context.Context, b *bus.Bus, name, _ string) error { return connectors.Start(ctx, b, name) }),
		sourceRetire(),
		sourceAnswer("accept NAME FILE", "同意一份将删除过多行的文件（编号见 ls）/ let a file be taken that would delete too much, by its number in ls"),
		sourceAnswer("refuse NAME FILE", "退回这样的文件，或说明未能接收的文件已了结 / refuse such a file, or say that one that was refused is settled"),
		sourceResync())
	return cmd
}

// flags adds what every verb needs.
func (c *sourceClient) flags(cmd *cobra.Command) {
	c.client.flags(cmd)
	cmd.Flags().Lookup("gateway").Usage = "管理端口地址，优先于 --config / the admin listener's address, before that of --config"
	c.gateway = "http://127.0.0.1:8099"
	cmd.Flags().Lookup("gateway").DefValue = c.gateway
	cmd.Flags().StringVar(&c.config, "config", "", "哪条总线：问此配置的 admin.listen；没有进程在运行时，命令写进它的 Kafka，下次启动照办 / of which bus: the admin.listen of this configuration is asked; where no process runs, the order is written to its Kafka and the next start obeys it")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error { return c.of(cmd) }
}

// of takes address, trust and token from the configuration that is given, where the flags
// do not say them: whoever names a bus is heard by that one or by none.
func (c *sourceClient) of(cmd *cobra.Command) error {
	if !cmd.Flags().Changed("config") {
		return nil
	}
	if c.config == "" {
		return usageError(cmd, errors.New("--config 之后没有文件 / --config names no file"))
	}
	var err error
	if c.cfg, err = settings.Load(c.config); err != nil {
		return exit.With(exit.Usage, err)
	}
	if cmd.Flags().Changed("gateway") {
		return nil
	}
	c.gateway = c.cfg.AdminURL()
	if c.key == "" && os.Getenv("YIYUAN_CLIENT_KEY") == "" && c.cfg.Admin.TokenFile != "" {
		if c.key, err = settings.SecretFile(c.cfg.Admin.TokenFile); err != nil {
			return exit.With(exit.Usage, fmt.Errorf("admin.token_file: %w", err))
		}
	}
	if !cmd.Flags().Changed("ca") {
		c.asks = func() (*http.Client, error) { return c.trust.Pinned(c.cfg.Listeners.Files("admin")) }
	}
	return nil
}

// do asks, where there is an address to ask.
func (c *sourceClient) do(ctx context.Context, out io.Writer, method, path string) error {
	if c.gateway == "" {
		return exit.With(exit.Unavailable, errNoAdmin)
	}
	return c.client.do(ctx, out, method, path, nil)
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
	var b bytes.Buffer
	if err := c.do(ctx, &b, http.MethodPost, path); err != nil {
		return err
	}
	page, err := readPage(b.Bytes())
	if err != nil {
		return err
	}
	if err := c.writeSources(out, b.Bytes()); err != nil {
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
			var b bytes.Buffer
			if err := c.do(cmd.Context(), &b, http.MethodPost, "/sources/"+url.PathEscape(args[0])+"/"+verb+"?item="+url.QueryEscape(args[1])); err != nil {
				return err
			}
			return c.writeSources(cmd.OutOrStdout(), b.Bytes())
		},
	}
	c.flags(cmd)
	return cmd
}

func sourceResync() *cobra.Command {
	var c sourceClient
	var dry bool
	var accept int64
	cmd := &cobra.Command{
		Use: "resync NAME", Short: "从头重读一个数据源：多出的删除，差异改正 / read a source again from the beginning and delete what it has no more",
		Long: `从头重读整个数据源：每一行以新的纪元重新发布，部门已经没有的行在最后删除；读完之前 as_of 不动。进程中途退出也会接着做完。
位置丢失（slot 没了、数据库被恢复到旧副本等）时，这是唯一的办法。要删的行超过 20% 时停下等 --accept-deletes N；
mode: append 的文件数据源要把整张表的文件放进投放目录，删除任何行都先停下询问。
Reads the whole source again under a raised epoch; what the department has no more is deleted at the end, and as_of stands still until
then. It is the one remedy of a lost position, goes on after a crash, and asks (--accept-deletes N) before it deletes more than 20%.
A file source in mode append wants the file of the whole table in its drop folder, and asks before it deletes any row.`,
		Example: "  yiyuan source resync ga-pg --dry-run\n  yiyuan source resync ga-pg",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "/sources/" + url.PathEscape(args[0]) + "/resync"
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
	return cmd
}

// list prints the sources of a process.
func (c *sourceClient) list(ctx context.Context, out io.Writer, asJSON bool) error {
	var b bytes.Buffer
	if err := c.do(ctx, &b, http.MethodGet, "/sources"); err != nil {
		return err
	}
	if asJSON {
		_, err := b.WriteTo(out)
		return err
	}
	return c.writeSources(out, b.Bytes())
}

// readPage reads what the admin listener has answered about sources.
func readPage(answer []byte) (page fleet.Page, err error) {
	if err = json.Unmarshal(answer, &page); err != nil {
		return page, fmt.Errorf("读不懂回答 / cannot read the answer: %w", err)
	}
	return page, nil
}

// writeSources prints sources as a table, and below it what stands still, why,
// and what to do.
func (c *sourceClient) writeSources(out io.Writer, answer []byte) error {
	page, err := readPage(answer)
	if err != nil {
		return err
	}
	lines := [][]string{{"名称 NAME", "状态 STATE", "类型 KIND", "行数 ROWS", "数据集 DATASETS"}}
	for _, s := range page.Sources {
		lines = append(lines, []string{s.Name, s.State, s.Kind, strconv.FormatInt(s.Rows, 10), strings.Join(s.Datasets, " ")})
	}
	var text strings.Builder
	if err := terminal.Table(&text, lines); err != nil {
		return err
	}
	for _, s := range page.Sources {
		if s.Reason == "" && s.Do == "" {
			continue
		}
		fmt.Fprintf(&text, "\n%s %s: %s\n", s.Name, s.State, s.Reason)
		if s.StoppedBy != "" {
			fmt.Fprintf(&text, "  由 / by %s\n", s.StoppedBy)
		}
		if s.Do != "" {
			fmt.Fprintf(&text, "  → %s\n", s.Do)
		}
	}
	text.WriteString(besideCommands(text.String(), c.config))
	_, err = io.WriteString(out, text.String())
	return err
}

// besideCommands is what is to be put behind the commands of a text: they name no
// configuration, and without it they go to whatever bus this machine's usual address is of.
func besideCommands(text, config string) string {
	if config == "" || !strings.Contains(text, "yiyuan source ") {
		return ""
	}
	return "\n以上 yiyuan source 命令都要加 / to each of the yiyuan source commands above add: --config " + config + "\n"
}

// trial prints what a resync would change.
func (c *sourceClient) trial(ctx context.Context, out io.Writer, path string) error {
	var b bytes.Buffer
	if err := c.do(ctx, &b, http.MethodPost, path); err != nil {
		return err
	}
	page, err := readPage(b.Bytes())
	if err != nil {
		return err
	}
	for _, d := range page.Would {
		if _, err := fmt.Fprintf(out, "%s: %d 行，新增 %d，改变 %d，删除 %d，退回 %d / rows, new, changed, deleted, refused\n", d.Dataset, d.Rows, d.New, d.Changed, d.Deleted, d.Refused); err != nil {
			return err
		}
	}
	return nil
}

// ask has the process that runs the source obey, or writes the order where none runs.
func (c *sourceClient) ask(ctx context.Context, out io.Writer, name, path string, write func(context.Context, *process.Process) error) error {
	var b bytes.Buffer
	err := c.do(ctx, &b, http.MethodPost, path)
	if err == nil {
		return c.writeSources(out, b.Bytes())
	}
	var coded *exit.Error
	if c.config == "" || !errors.As(err, &coded) || coded.Code != exit.Unavailable && coded.Code != exit.NotFound {
		return err
	}
	if len(c.cfg.Bus.Brokers) == 0 {
		if coded.Code == exit.NotFound {
			return err // it was asked, and knows no source of that name
		}
		return exit.With(exit.Unavailable, errors.New("内置消息代理只在 yiyuan run 里：先启动它，再对管理端口说 / the embedded broker lives in yiyuan run alone: start that, then ask its admin listener"))
	}
	a, err := process.Open(ctx, c.cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := write(ctx, a); err != nil {
		if errors.Is(err, connectors.ErrNoSource) {
			return exit.With(exit.NotFound, err)
		}
		return err
	}
	_, err = fmt.Fprintf(os.Stderr, "%s：已写入，运行它的进程或下次启动照办 / written: the process that runs it, or the next start, obeys\n", name)
	return err
}
