package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
)

func registryCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "registry", Short: "模式注册中心 / the schema registry"}
	cmd.AddCommand(retireCommand())
	return cmd
}

func retireCommand() *cobra.Command {
	var file string
	var yes bool
	cmd := &cobra.Command{
		Use:   "retire SUBJECT VERSION",
		Short: "停用总线主题里别人登记的模式 / take a schema that others registered out of the bus's subjects",
		Long: `启动因主题中别人登记的模式被拒绝时，停下各进程后运行。之后登记的模式不再与它比较；按它写成的记录照样能读。
不妨碍启动的版本（总线自己登记的都是）不停用；还有处理进程在运行时也不停用。
When a start is refused for a schema that others registered under a subject of the bus: stop every process, then run this. What is
registered next is not compared with it any more; records written under it are read as before. A version that stands in no start's way,
as all do that the bus registered itself, stays in use; while processors run nothing is done.`,
		Example: "  yiyuan registry retire raw.GA01-value 2 --yes --config /etc/yiyuan/yiyuan.yaml",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			version, err := strconv.Atoi(args[1])
			if err != nil || version < 1 {
				return usageError(cmd, errors.New("VERSION 须为正整数 / VERSION must be a positive whole number"))
			}
			if !yes {
				return usageError(cmd, errors.New("请用 --yes 确认 / confirm by --yes"))
			}
			cfg, err := settings.Load(file)
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			if len(cfg.Bus.Brokers) == 0 && cfg.Bus.Embedded.Data == "" {
				return exit.With(exit.Usage, errNoBus)
			}
			a, err := process.Open(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer a.Close()
			err = a.Retire(cmd.Context(), args[0], version)
			if errors.Is(err, registry.ErrNotFound) {
				return exit.With(exit.NotFound, err)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "%s 的版本 %d 已停用，可以启动了 / version %[2]d is out of use, start the processes again\n", args[0], version)
			return err
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "配置文件，每一项见 deploy/yiyuan.yaml / configuration file")
	cmd.Flags().BoolVar(&yes, "yes", false, "确认 / confirm")
	return cmd
}
