package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

func sourceCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "source", Aliases: []string{"connector"}, Short: "查看、停止、启动、退役数据源 / list, stop, start and retire sources"}
	verb := func(use, short, method string, path func(args []string) string, args cobra.PositionalArgs) *cobra.Command {
		var c client
		sub := &cobra.Command{
			Use: use, Short: short, Args: args,
			RunE: func(cmd *cobra.Command, args []string) error {
				return c.do(cmd.Context(), cmd.OutOrStdout(), method, path(args), nil)
			},
		}
		c.flags(sub)
		sub.Flags().Lookup("gateway").Usage = "管理端口地址 / the admin listener's address"
		c.gateway = "http://127.0.0.1:8099"
		sub.Flags().Lookup("gateway").DefValue = c.gateway
		sub.Flags().SetNormalizeFunc(nil)
		return sub
	}
	cmd.AddCommand(
		verb("ls", "列出数据源及其状态 / list sources and their state", http.MethodGet, func([]string) string { return "/sources" }, cobra.NoArgs),
		verb("stop NAME", "停止一个数据源(位置保留)/ stop a source, its position is kept", http.MethodPost, func(a []string) string { return "/sources/" + url.PathEscape(a[0]) + "/stop" }, cobra.ExactArgs(1)),
		verb("start NAME", "从原位置继续 / go on from where it stopped", http.MethodPost, func(a []string) string { return "/sources/" + url.PathEscape(a[0]) + "/start" }, cobra.ExactArgs(1)),
		verb("retire NAME", "退役:停止,且其数据集不再等它(位置保留)/ stop for good: its datasets no longer wait for it", http.MethodPost, func(a []string) string { return "/sources/" + url.PathEscape(a[0]) + "/retire" }, cobra.ExactArgs(1)),
	)
	return cmd
}
