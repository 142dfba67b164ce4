package main

import (
	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/schemas/private"
)

func runCommand() *cobra.Command {
	var file string
	var roles []string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "按配置运行一个或几个角色 / run one or several roles by configuration",
		Long: `按配置文件运行：connectors 接入、processors 处理、gateway 网关，可在一个进程，也可分在多个进程，它们只在 Kafka 主题里相遇。
Runs connectors, processors and gateway, in one process or in several; they meet only in Kafka topics.`,
		Example: `  yiyuan run --config /etc/yiyuan/yiyuan.yaml
  yiyuan run --config yiyuan.yaml --role processors`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := settings.Load(file, roles...)
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			private.Umask()
			return process.Run(cmd.Context(), cfg, version)
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "配置文件，每一项见 deploy/yiyuan.yaml / configuration file")
	cmd.Flags().StringSliceVar(&roles, "role", nil, "connectors,processors,gateway")
	return cmd
}
