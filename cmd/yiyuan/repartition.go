package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/resolve"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// errNoBus says that nothing lies where a command is to change something.
var errNoBus = errors.New("没有说明是哪条总线：请加 --config，其中有 bus.brokers 或 bus.embedded.data / it is not said which bus: give --config with bus.brokers or bus.embedded.data")

func repartitionCommand() *cobra.Command {
	var file string
	var partitions int
	cmd := &cobra.Command{
		Use:   "repartition ENTITY",
		Short: "增加一个实体的分区数，档案随之搬到新分区 / give an entity more partitions and move its dossiers",
		Long: `先停接入，等 resolve 读完 claims，再停所有处理进程，然后运行；中断后重新运行即可接着做，做完之前该步骤拒绝启动。
Stop the connectors, let resolve read all claims, stop every processor, then run this; broken off, run it again. Until it has
finished the step refuses to start. The golden records, findings and views stay as they are.`,
		Example: "  yiyuan repartition person --partitions 16 --config /etc/yiyuan/yiyuan.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := settings.Load(file)
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			if partitions < 1 {
				return exit.With(exit.Usage, fmt.Errorf("--partitions %d: 至少为 1 / at least 1", partitions))
			}
			if len(cfg.Bus.Brokers) == 0 && cfg.Bus.Embedded.Data == "" { // in memory there is nothing to move, and success would be a lie
				return exit.With(exit.Usage, errNoBus)
			}
			if err := repartition(cmd.Context(), cfg, args[0], partitions); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "%s 现有 %d 个分区，可以启动了 / has %d partitions now, start the processes again\n", args[0], partitions, partitions)
			return err
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "配置文件，每一项见 deploy/yiyuan.yaml / configuration file")
	cmd.Flags().IntVar(&partitions, "partitions", 0, "新的分区数 / the new number of partitions")
	return cmd
}

func repartition(ctx context.Context, cfg settings.Config, entity string, partitions int) error {
	a, err := process.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	for _, t := range a.Steps {
		if t.Name == resolve.Name(entity) {
			return processors.Repartition(ctx, a.Bus, t, partitions, a.Log)
		}
	}
	return exit.With(exit.Usage, fmt.Errorf("目录里没有实体 / the catalogue has no entity %q: %w", entity, schemas.ErrUnknown))
}
