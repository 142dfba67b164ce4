package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
)

func lookupCommand() *cobra.Command {
	var c client
	var explain bool
	cmd := &cobra.Command{
		Use:   "lookup VIEW KEY...",
		Short: "按标识查询一条或多条记录 / look up one or several records by key",
		Example: `  yiyuan lookup person.partial 539902198503120013 --purpose DBHD
  yiyuan lookup --explain person 539902198503120013 --purpose SUPERVISE`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			view, keys := args[0], args[1:]
			switch {
			case explain && len(keys) != 1:
				return exit.With(exit.Usage, fmt.Errorf("--explain 一次只解释一条 / --explain takes one key, not %d", len(keys)))
			case explain:
				entity, _, _ := strings.Cut(view, ".")
				return c.do(cmd.Context(), cmd.OutOrStdout(), http.MethodPost, "/v1/explain/"+url.PathEscape(entity), map[string]any{"key": keys[0]})
			case len(keys) == 1:
				return c.do(cmd.Context(), cmd.OutOrStdout(), http.MethodPost, "/v1/lookup/"+url.PathEscape(view), map[string]any{"key": keys[0]})
			}
			return c.do(cmd.Context(), cmd.OutOrStdout(), http.MethodPost, "/v1/lookup", map[string]any{"view": view, "keys": keys})
		},
	}
	c.flags(cmd)
	cmd.Flags().BoolVar(&explain, "explain", false, "说明每个数据项来自哪里、为何胜出 / say where each cell comes from and why it won")
	return cmd
}

func verifyCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use:     "verify VIEW KEY FIELD=VALUE...",
		Short:   "核验：只回答是否一致，值不出库 / ask whether values agree; no value leaves",
		Example: `  yiyuan verify person.verify 539902198503120013 XM=张三 HJDZ=云岭市岭东区一街道1号 --purpose GLJT`,
		Args:    cobra.MinimumNArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			fields := map[string]string{}
			for i, a := range args[2:] {
				name, value, ok := strings.Cut(a, "=")
				if !ok || name == "" {
					return exit.With(exit.Usage, fmt.Errorf("第 %d 个参数应为 字段=值 / argument %d must be FIELD=VALUE", i+3, i+3))
				}
				fields[name] = value
			}
			return c.do(cmd.Context(), cmd.OutOrStdout(), http.MethodPost, "/v1/verify", map[string]any{"view": args[0], "key": args[1], "fields": fields})
		},
	}
	c.flags(cmd)
	return cmd
}
