package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/reference"
)

// docsCommand writes the generated part of docs/, of commands by what root makes. It is for those who build
// Yiyuan: it reads the source tree beside which it runs.
func docsCommand(root func() *cobra.Command) *cobra.Command {
	var out, tree string
	cmd := &cobra.Command{
		Use:     "docs",
		Short:   "生成参考文档 / write the reference documentation",
		Example: "  yiyuan docs --out docs/reference",
		Args:    cobra.NoArgs,
		Hidden:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pages, err := reference.Pages(cmd.Context(), root, tree)
			if err != nil {
				return err
			}
			for name, text := range pages {
				if err := os.MkdirAll(filepath.Join(out, filepath.Dir(name)), 0o755); err != nil { //nolint:gosec // documentation is for everybody
					return fmt.Errorf("make folder: %w", err)
				}
				if err := os.WriteFile(filepath.Join(out, name), []byte(text), 0o644); err != nil { //nolint:gosec // documentation is for everybody
					return fmt.Errorf("write page: %w", err)
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "docs/reference", "写到哪个目录 / folder to write to")
	cmd.Flags().StringVar(&tree, "root", ".", "源码目录 / folder of the source tree")
	return cmd
}
