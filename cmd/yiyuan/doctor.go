package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/doctor"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
)

func doctorCommand() *cobra.Command {
	var file, output string
	var brokers []string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "体检：逐项检查配置、Kafka、Redis、数据源和本机，说明怎么办 / check everything a city needs, and say what to do",
		Long: `逐项检查配置与目录、密钥、授权文件和推送密钥、Kafka（版本、事务、主题、副本、积压）、注册中心、Redis、每个数据源的状态和本机，
不改动任何东西。✓ 正常，! 需要留意，✗ 有问题；每个问题都写明怎么办。有 ✗ 时退出码为 1。
Checks configuration, catalogue, keys, access file and push keys, Kafka, registry, Redis, the state of every source and this machine, and changes nothing.`,
		Example: `  yiyuan doctor --config /etc/yiyuan/yiyuan.yaml
  yiyuan doctor --brokers 127.0.0.1:9092 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "table" && output != "json" {
				return usageError(cmd, fmt.Errorf("-o 可为 table、json，不能是 %[1]q / -o is table or json, not %[1]q", output))
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			found := doctor.Examine(ctx, file, brokers)
			if err := doctor.Write(cmd.OutOrStdout(), output, found); err != nil {
				return err
			}
			if output == "table" {
				var do strings.Builder
				for _, f := range found {
					do.WriteString(f.Do + "\n")
				}
				if _, err := io.WriteString(cmd.OutOrStdout(), besideCommands(do.String(), file)); err != nil {
					return err
				}
			}
			if n := doctor.Count(found, doctor.Problem); n > 0 {
				return exit.With(exit.Problems, fmt.Errorf("%d 项有问题 / %d problems", n, n))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "配置文件 / configuration file")
	cmd.Flags().StringSliceVar(&brokers, "brokers", nil, "消息代理地址，代替配置中的 / brokers instead of the configured ones, such as a demo's")
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table json")
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "最长等待 / how long to wait")
	return cmd
}
