package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

func checkCommand() *cobra.Command {
	var dir, bindings string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "检查目录、规则和数据源,有错就拒绝 / check catalogue, rules and sources; refuse what is wrong",
		Long: `读取目录文件夹,逐项检查并编译全部规则和脱敏视图,不启动任何服务。错误写明文件、行、列、原因和怎么改。
Reads the catalogue folder, checks it and compiles every rule and masked view, without starting anything.`,
		Example: "  yiyuan check --catalogue my-city/ --sources sources/",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cat, err := loadCatalogue(dir)
			var problems *schemas.Problems
			if errors.As(err, &problems) {
				return report(cmd.OutOrStdout(), problems.All)
			}
			if err != nil {
				return err
			}
			if err := report(cmd.OutOrStdout(), cat.Warnings); err != nil {
				return err
			}
			if err := compile(cat); err != nil {
				return &exitError{exitProblems, err}
			}
			cfgs, err := loadBindings(bindings, cat)
			if err != nil {
				return &exitError{exitProblems, err}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "通过:%s,%d 个部门,%d 个数据集,%d 个实体,%d 条规则,%d 个数据源,目录版本 %s / passed\n",
				cat.City.Name, len(cat.Departments), len(cat.Datasets), len(cat.Entities), len(cat.Rules), len(cfgs), cat.Version)
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "catalogue", "", "目录文件夹,默认示例城市 / catalogue folder, the sample city if empty")
	cmd.Flags().StringVar(&bindings, "sources", "", "数据源文件夹 / folder of source bindings")
	return cmd
}

// report prints problems; those that are not warnings make the check fail.
func report(to io.Writer, all []schemas.Problem) error {
	failed := 0
	for _, p := range all {
		mark := "警告 / warning"
		if !p.Warning {
			mark = "错误 / error"
			failed++
		}
		if _, err := fmt.Fprintf(to, "%s:%d:%d: %s [%s] %s\n", p.File, p.Line, p.Column, mark, p.Rule, p.Message); err != nil {
			return err
		}
	}
	if failed > 0 {
		return &exitError{exitProblems, fmt.Errorf("%d 处错误 / %d errors", failed, failed)}
	}
	return nil
}

// compile makes every step as a process would at its start: conditions, masks
// and layouts are compiled by the same code.
func compile(cat *schemas.Catalogue) error {
	keys, err := keyring.New(keyring.Intl, map[int][]byte{1: make([]byte, 32)}, 1)
	if err != nil {
		return err
	}
	var failed []error
	for _, t := range topologies(cat, codec.New(codec.NewMemory()), keys) {
		if _, err := t.Stage(); err != nil {
			failed = append(failed, fmt.Errorf("步骤 / step %s: %w", t.Name, err))
		}
	}
	return errors.Join(failed...)
}
