package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/demo"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas/private"
)

func demoCommand() *cobra.Command {
	var o demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "示例城市云岭市，一个进程跑起全部 / the sample city live in one process",
		Long: `用内置消息代理和缓存跑起示例城市：13 个部门实时产生变更，经接入、归集、核验、脱敏，一秒内可查。
Runs the sample city on the embedded broker and cache: thirteen departments produce changes,
which are routed, resolved, verified, masked and answered within the second. All data is made up.`,
		Example: `  yiyuan demo
  yiyuan demo --seed 7 --size tiny --listen 127.0.0.1:8080 --for 5m
  yiyuan demo --json        # one line for programs once it is ready`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for flag, negative := range map[string]bool{"--for": o.Lasting < 0, "--rate": o.Rate < 0, "--correct-after": o.CorrectAfter < 0, "--correct-every": o.CorrectEvery < 0} {
				if negative {
					return usageError(cmd, fmt.Errorf("%[1]s 不能为负 / %[1]s is not negative", flag))
				}
			}
			ctx := cmd.Context()
			if o.Lasting > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, o.Lasting)
				defer cancel()
			}
			o.Build = version
			private.Umask()
			err := demo.Run(ctx, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
			if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) { // whatever it was at when --for was over
				_, err = fmt.Fprintf(cmd.ErrOrStderr(), "到了 --for %[1]s，还没有就绪就结束了 / --for %[1]s was over before it was ready\n", o.Lasting)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.Int64Var(&o.Seed, "seed", 1, "种子：同一种子同一座城 / the same seed is the same city")
	f.StringVar(&o.Size, "size", world.Tiny, "规模 / size: tiny (2 000 人) city (600 000) big (3 000 000)")
	f.IntVar(&o.Rate, "rate", 50, "首轮之后每秒变更数 / changes a second after the first copy")
	f.StringVar(&o.Data, "data", "", "数据目录，留空则退出即清 / folder to keep everything in; empty = gone at the end")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8080", "网关和控制台地址 / address of gateway and console")
	f.StringVar(&o.Base, "base", "", "城市的“今天”：只能是当天，或所留城市开始的那天，其他一律拒绝 / the city's today: only today, or the day a kept city was begun on; any other is refused")
	f.DurationVar(&o.Lasting, "for", 0, "运行多久后自动结束 / end by itself after")
	f.BoolVar(&o.JSON, "json", false, "就绪后打印一行 JSON，供程序使用 / print one JSON line once ready")
	f.BoolVar(&o.Verbose, "verbose", false, "打印运行日志 / print the log")
	f.DurationVar(&o.CorrectAfter, "correct-after", time.Minute, "多久后部门开始更正 / when departments begin to correct")
	f.DurationVar(&o.CorrectEvery, "correct-every", 2*time.Second, "更正间隔 / how far corrections are apart")
	return cmd
}
