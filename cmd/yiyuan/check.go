package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
)

func checkCommand() *cobra.Command {
	var dir, bindings, who, keys string
	cmd := &cobra.Command{
		Use:   "check [DIR]",
		Short: "检查目录、规则和数据源，以及授权文件和推送密钥，有错就拒绝 / check catalogue, rules, sources, access file and push keys; refuse what is wrong",
		Long: `读取目录文件夹，逐项检查并编译全部规则和脱敏视图，不启动任何服务。错误写明文件、行、列、原因和怎么改。
应用与授权文件、推送密钥文件由启动时的同一段代码读取：这里通过，下次启动就不会拒绝它们。
数据源和授权按目录判断：没有给 DIR 和 --catalogue 时是示例城市，并会说明。
Reads the catalogue folder, checks it and compiles every rule and masked view, without starting anything. The access file and the
push keys are read by the code that reads them at a start: what passes here is not refused there. Sources and grants are judged against
the catalogue: without DIR and --catalogue that is the sample city, as is said.`,
		Example: `  yiyuan check my-city/                       # 其中的 yiyuan.yaml 所说的一切 / all that its yiyuan.yaml names
  yiyuan check --catalogue my-city/ --sources sources/ --access access.yaml --push-keys push-keys.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var cfg settings.Config
			if len(args) > 0 {
				var err error
				if cfg, err = configured(args[0]); err != nil {
					return exit.With(exit.Problems, err)
				}
				dir, bindings = cmp.Or(dir, cfg.Catalogue), cmp.Or(bindings, cfg.Sources)
				who, keys = cmp.Or(who, cfg.Access), cmp.Or(keys, cfg.Push.Keys)
			}
			if len(args) == 0 && dir == "" && bindings+who+keys != "" {
				if _, err := fmt.Fprintln(cmd.ErrOrStderr(), "注意：没有给 --catalogue，以下按示例城市判断；自己的城市用 --catalogue DIR，或 yiyuan check DIR（其中有 yiyuan.yaml） / no --catalogue was given, so this is judged against the sample city; for a city of your own: --catalogue DIR, or yiyuan check DIR with its yiyuan.yaml"); err != nil {
					return err
				}
			}
			files, err := wiring.CatalogueFiles(dir)
			if err != nil {
				return err
			}
			cat, warnings, err := manifest.Check(files)
			var problems *manifest.Problems
			if errors.As(err, &problems) {
				return report(cmd.OutOrStdout(), problems.All)
			}
			if err != nil {
				return err
			}
			if err := report(cmd.OutOrStdout(), warnings); err != nil {
				return err
			}
			folder := process.Folder{Catalogue: cat, Files: files, Sample: dir == ""}
			compiled := wiring.Compile(cat)
			if errors.As(compiled, &problems) {
				return report(cmd.OutOrStdout(), problems.All)
			}
			if err := errors.Join(compiled, folder.Fits()); err != nil {
				return exit.With(exit.Problems, err)
			}
			cfgs, err := wiring.Bindings(bindings, cat)
			if err != nil {
				return exit.With(exit.Problems, err)
			}
			_, _, accessErr := process.OpenAccess(who, cat)
			_, keysErr := cfg.Keys.Open()
			if cfg.Has(settings.RoleGateway) {
				keysErr = errors.Join(keysErr, cfg.Gateway.Fits(cat))
			}
			if err := errors.Join(accessErr, process.CheckPushKeys(keys), keysErr); err != nil {
				return exit.With(exit.Problems, err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "通过：%s，%d 个部门，%d 个数据集，%d 个实体，%d 条规则，%d 个数据源，目录版本 %s / passed\n",
				cat.City.Name, len(cat.Departments), len(cat.Datasets), len(cat.Entities), len(cat.Rules), len(cfgs), cat.Version)
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "catalogue", "", "目录文件夹，默认示例城市 / catalogue folder, the sample city if empty")
	cmd.Flags().StringVar(&bindings, "sources", "", "数据源文件夹 / folder of source bindings")
	cmd.Flags().StringVar(&who, "access", "", "应用与授权文件 / file of applications and grants")
	cmd.Flags().StringVar(&keys, "push-keys", "", "推送密钥文件 / file of push keys")
	return cmd
}

// configured reads the yiyuan.yaml of a folder, its paths as for a process that is started
// there; of a folder that is a catalogue and nothing else it is that.
func configured(dir string) (settings.Config, error) {
	file := filepath.Join(dir, "yiyuan.yaml")
	if _, err := os.Stat(file); err != nil {
		if _, is := os.Stat(filepath.Join(dir, "city.yaml")); is == nil {
			return settings.Config{Catalogue: dir}, nil
		}
		return settings.Config{}, fmt.Errorf("%s: 既没有 yiyuan.yaml，也没有 city.yaml；可用 yiyuan init 生成一座城市 / holds neither yiyuan.yaml nor city.yaml; yiyuan init makes a city: %w", dir, err)
	}
	cfg, err := loadThere(dir, file)
	for _, path := range []*string{&cfg.Catalogue, &cfg.Sources, &cfg.Access, &cfg.Push.Keys, &cfg.Keys.File} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	return cfg, err
}

// loadThere reads the yiyuan.yaml of a folder, and the files that it names, from within
// the folder.
func loadThere(dir, file string) (cfg settings.Config, err error) {
	back, err := os.Getwd()
	if err != nil {
		return cfg, fmt.Errorf("find the working folder: %w", err)
	}
	if file, err = filepath.Abs(file); err != nil {
		return cfg, fmt.Errorf("find %q: %w", file, err)
	}
	if err := os.Chdir(dir); err != nil {
		return cfg, fmt.Errorf("enter folder: %w", err)
	}
	defer func() {
		if berr := os.Chdir(back); err == nil && berr != nil {
			err = fmt.Errorf("leave folder: %w", berr)
		}
	}()
	return settings.Load(file)
}

// report prints problems; those that are not warnings make the check fail.
func report(to io.Writer, all []manifest.Problem) error {
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
		return exit.With(exit.Problems, fmt.Errorf("%d 处错误 / %d errors", failed, failed))
	}
	return nil
}
