package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

func topologyCommand() *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:     "topology",
		Short:   "打印处理步骤及其读写的主题 / print the steps with the topics they read and write",
		Example: "  yiyuan topology --format mermaid",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cat, err := wiring.Catalogue(dir)
			if err != nil {
				return err
			}
			keys, err := keyring.New(keyring.Intl, map[int][]byte{1: make([]byte, 32)}, 1)
			if err != nil {
				return err
			}
			drawn := process.Drawing(wiring.Steps(cat, codec.New(codec.NewMemory()), keys))
			switch format {
			case "mermaid":
				_, err = io.WriteString(cmd.OutOrStdout(), drawn.Mermaid)
			case "text":
				_, err = io.WriteString(cmd.OutOrStdout(), process.Text(drawn))
			default:
				err = exit.With(exit.Usage, fmt.Errorf("--format %q：只能是以下之一 / want one of: text mermaid", format))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "catalogue", "", "目录文件夹，默认示例城市 / catalogue folder, the sample city if empty")
	cmd.Flags().StringVar(&format, "format", "text", "text mermaid")
	return cmd
}
