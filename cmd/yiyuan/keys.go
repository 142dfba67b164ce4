package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

func keysCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "令牌与摘要的密钥 / the keys of tokens and digests"}
	var suite string
	var ifMissing bool
	generate := &cobra.Command{
		Use:     "generate FILE",
		Short:   "生成一个新的密钥文件（权限 0600） / make a new key file, readable by its owner only",
		Example: "  yiyuan keys generate /etc/yiyuan/keys.yaml --suite gm",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if ifMissing {
				if _, err := os.Stat(args[0]); err == nil {
					return nil
				} else if !errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("look for key file: %w", err)
				}
			}
			ring, err := keyring.GenerateSuite(args[0], suite)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "密钥已写入 %s（算法 %s，版本 %d）；丢失它，已发出的令牌就无法再对应 / written; without it, tokens already given out lose their meaning\n", args[0], ring.Suite(), ring.Current())
			return err
		},
	}
	generate.Flags().StringVar(&suite, "suite", keyring.Intl, "intl (HMAC-SHA-256) 或 / or gm (HMAC-SM3)")
	generate.Flags().BoolVar(&ifMissing, "if-missing", false, "文件已在则不动 / leave an existing file alone")
	cmd.AddCommand(generate, addKeyCommand(), useKeyCommand(), showKeysCommand())
	return cmd
}

func addKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "add FILE",
		Short: "轮换第一步：加入新版本的密钥，暂不启用 / rotation, step one: add a key of the next version, not in use yet",
		Long: `在密钥文件中加入下一版本的密钥。令牌仍用现行版本；把文件发到每个进程并重启之后，再用 keys use 启用。
Adds a key of the next version to the file. Tokens go on being made with the current one; bring the file to every process, restart them, and then put it to use with keys use.`,
		Example: "  yiyuan keys add /etc/yiyuan/keys.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ring, err := keyring.Add(args[0])
			if err != nil {
				return err
			}
			newest := slices.Max(ring.Versions())
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "已加入第 %d 版密钥，现行版本仍为 %d；请把文件发到每个进程并重启，然后执行 yiyuan keys use %s %d / version %d added, current is still %d; bring the file to every process and restart it, then run the command shown\n",
				newest, ring.Current(), args[0], newest, newest, ring.Current())
			return err
		},
	}
}

func useKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "use FILE VERSION",
		Short: "轮换第二步：启用某版本的密钥 / rotation, step two: make a version the current one",
		Long: `把某版本设为现行版本。逐个重启进程后，处理步骤在后台把已发布的记录移到新令牌之下，其间新旧令牌都能查到；进度见指标 yiyuan_processors_renewing_partitions，为 0 即完成。要退回，用旧版本再执行一次。
Makes a version the current one. As processes are restarted, the steps move what is published to tokens of the new key in the background, and it is found under either meanwhile; the metric yiyuan_processors_renewing_partitions is 0 when that is done. To go back, run it with the old version.`,
		Example: "  yiyuan keys use /etc/yiyuan/keys.yaml 2",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			version, err := strconv.Atoi(args[1])
			if err != nil {
				return exit.With(exit.Usage, fmt.Errorf("版本号须为正整数 / version %q is not a positive number", args[1]))
			}
			ring, err := keyring.Use(args[0], version)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "现行版本为 %d；请把文件发到每个进程，逐个重启 / version %d is the current one; bring the file to every process and restart one after the other\n", ring.Current(), ring.Current())
			return err
		},
	}
}

func showKeysCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show FILE",
		Short:   "显示密钥文件的版本与指纹，不显示密钥 / show a key file's versions and fingerprint, never a key",
		Example: "  yiyuan keys show /etc/yiyuan/keys.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ring, err := keyring.Load(args[0])
			if err != nil {
				return err
			}
			versions := make([]string, 0, 1)
			for _, v := range ring.Versions() {
				versions = append(versions, strconv.Itoa(v))
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "算法 / suite:     %s\n版本 / versions:  %s\n现行 / current:   %d\n指纹 / fingerprint: %s\n", ring.Suite(), strings.Join(versions, ", "), ring.Current(), ring.Fingerprint())
			return err
		},
	}
}
