package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
)

func txnCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "txn", Short: "查看、中止未结束的 Kafka 事务 / list and abort open Kafka transactions"}
	cmd.AddCommand(txnListCommand(), txnAbortCommand())
	return cmd
}

// operator reaches the cluster of a configuration, or of named brokers.
type operator struct {
	file    string
	brokers []string
	timeout time.Duration
	cfg     settings.Config // once with has read it
}

func (o *operator) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.file, "config", "", "配置文件 / configuration file")
	cmd.Flags().StringSliceVar(&o.brokers, "brokers", nil, "消息代理地址，代替配置中的 / brokers instead of the configured ones")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 30*time.Second, "最长等待 / how long to wait")
}

// with runs f on an open bus.
func (o *operator) with(ctx context.Context, f func(ctx context.Context, b *bus.Bus) error) error {
	var err error
	if o.cfg, err = settings.Load(o.file); err != nil {
		return exit.With(exit.Usage, err)
	}
	cfg := &o.cfg
	at := cfg.Bus.Brokers
	if len(o.brokers) > 0 {
		at = o.brokers
	}
	guessed := len(at) == 0
	if guessed {
		at = []string{cfg.Bus.Embedded.Listen}
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	b, err := process.OpenBus(ctx, cfg.Bus, at, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil && guessed {
		return fmt.Errorf("没有给 --config 或 --brokers，问的是内置代理的地址 %[1]s；用其中之一说明是哪个集群 / neither --config nor --brokers was given, so the embedded broker's address %[1]s was asked; say by one of them which cluster: %[2]w", at[0], err)
	}
	if err != nil {
		return err
	}
	defer b.Close()
	return f(ctx, b)
}

func txnListCommand() *cobra.Command {
	var o operator
	var output string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "列出未结束的事务，最早的在前 / list open transactions, the eldest first",
		Long: `列出写过本市主题或以 bus.prefix 开头的未结束事务。事务未结束时，只读已提交数据的读者停在它前面。
Lists open transactions that wrote to our topics or whose id has our prefix. Readers of committed records wait for them.`,
		Example: "  yiyuan txn ls --config yiyuan.yaml -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "table" && output != "json" {
				return usageError(cmd, fmt.Errorf("-o 可为 table、json，不能是 %[1]q / -o is table or json, not %[1]q", output))
			}
			return o.with(cmd.Context(), func(ctx context.Context, b *bus.Bus) error {
				open, err := b.Transactions(ctx)
				if err != nil {
					return err
				}
				return writeTransactions(cmd.OutOrStdout(), output, open, time.Now())
			})
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table json")
	return cmd
}

func txnAbortCommand() *cobra.Command {
	var o operator
	var yes bool
	cmd := &cobra.Command{
		Use:   "abort ID",
		Short: "中止一个未结束的事务，其程序随之失效 / abort an open transaction and fence its program",
		Long: `中止一个事务：它写的都不算数，读者继续往前。仍在运行的本系统进程会自行重来；其他程序会报错退出。
Aborts a transaction: nothing of it counts, readers go on. A process of ours that still runs begins anew by itself.`,
		Example: "  yiyuan txn abort source.ga-pg --yes",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				return usageError(cmd, errors.New("请用 --yes 确认 / confirm by --yes"))
			}
			return o.with(cmd.Context(), func(ctx context.Context, b *bus.Bus) error {
				err := b.Abort(ctx, args[0])
				if errors.Is(err, cluster.ErrNoTransaction) {
					return exit.With(exit.NotFound, err)
				}
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.ErrOrStderr(), "已中止 %s / aborted\n", args[0])
				return err
			})
		},
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "确认 / confirm")
	return cmd
}

func writeTransactions(to io.Writer, output string, open []cluster.OpenTransaction, now time.Time) error {
	type row struct {
		ID         string   `json:"id"`
		Producer   int64    `json:"producer"`
		Epoch      int16    `json:"epoch"`
		State      string   `json:"state"`
		AgeSeconds float64  `json:"age_seconds"`
		Timeout    float64  `json:"timeout_seconds"`
		Partitions []string `json:"partitions"`
	}
	rows := make([]row, len(open))
	for i, t := range open {
		rows[i] = row{t.ID, t.Producer, t.Epoch, t.State, now.Sub(t.Started).Round(time.Millisecond).Seconds(), t.Timeout.Seconds(), t.Partitions}
	}
	if output == "json" {
		e := json.NewEncoder(to)
		e.SetIndent("", "  ")
		return e.Encode(rows)
	}
	lines := [][]string{{"事务 ID", "生产者 PRODUCER", "状态 STATE", "已开 AGE", "分区 PARTITIONS"}}
	for _, r := range rows {
		age := time.Duration(r.AgeSeconds * float64(time.Second)).Round(time.Second)
		lines = append(lines, []string{r.ID, strconv.FormatInt(r.Producer, 10) + "/" + strconv.Itoa(int(r.Epoch)), r.State, age.String(), terminal.Some(r.Partitions)})
	}
	return terminal.Table(to, lines)
}
