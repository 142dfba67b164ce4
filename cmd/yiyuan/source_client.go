package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

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

// send asks, where there is an address to ask.
func (c *sourceClient) send(ctx context.Context, out io.Writer, method, path string, body any) error {
	if c.gateway == "" {
		return exit.With(exit.Unavailable, errNoAdmin)
	}
	return c.client.do(ctx, out, method, path, body)
}

// page asks, and reads what is answered about sources.
func (c *sourceClient) page(ctx context.Context, method, path string, body any) (page fleet.Page, err error) {
	var b bytes.Buffer
	if err := c.send(ctx, &b, method, path, body); err != nil {
		return page, err
	}
	if err := json.Unmarshal(b.Bytes(), &page); err != nil {
		return page, fmt.Errorf("读不懂回答 / cannot read the answer: %w", err)
	}
	return page, nil
}

// list prints the sources of a process.
func (c *sourceClient) list(ctx context.Context, out io.Writer, asJSON bool) error {
	if asJSON {
		return c.send(ctx, out, http.MethodGet, "/sources", nil)
	}
	page, err := c.page(ctx, http.MethodGet, "/sources", nil)
	if err != nil {
		return err
	}
	return c.writeSources(out, page)
}

// writeSources prints sources as a table, and below it what stands still, why,
// and what to do.
func (c *sourceClient) writeSources(out io.Writer, page fleet.Page) error {
	lines := [][]string{{"名称 NAME", "状态 STATE", "类型 KIND", "行数 ROWS", "数据集 DATASETS"}}
	for _, s := range page.Sources {
		lines = append(lines, []string{s.Name, s.State, s.Kind, strconv.FormatInt(s.Rows, 10), strings.Join(s.Datasets, " ")})
	}
	var text strings.Builder
	if err := terminal.Table(&text, lines); err != nil {
		return err
	}
	for _, s := range page.Sources {
		for _, b := range s.Backfills {
			if why, do := b.Progress(s.Name, time.Now()); do == "" { // else it is the source's word
				fmt.Fprintf(&text, "\n%s: %s\n", s.Name, why)
			}
		}
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
	_, err := io.WriteString(out, text.String())
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
	page, err := c.page(ctx, http.MethodPost, path, nil)
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
	return c.tell(ctx, out, name, path, nil, write)
}

// tell does so with what is asked for in a body.
func (c *sourceClient) tell(ctx context.Context, out io.Writer, name, path string, body any, write func(context.Context, *process.Process) error) error {
	page, err := c.page(ctx, http.MethodPost, path, body)
	if err == nil {
		return c.writeSources(out, page)
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
