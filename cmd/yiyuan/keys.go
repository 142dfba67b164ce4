package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

func keysCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "令牌与摘要的密钥 / the keys of tokens and digests"}
	var suite string
	var ifMissing bool
	generate := &cobra.Command{
		Use:     "generate FILE",
		Short:   "生成一个新的密钥文件(权限 0600)/ make a new key file, readable by its owner only",
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
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "密钥已写入 %s(算法 %s,版本 %d);丢失它,已发出的令牌就无法再对应 / written; without it, tokens already given out lose their meaning\n", args[0], ring.Suite(), ring.Current())
			return err
		},
	}
	generate.Flags().StringVar(&suite, "suite", keyring.Intl, "intl (HMAC-SHA-256) 或 / or gm (HMAC-SM3)")
	generate.Flags().BoolVar(&ifMissing, "if-missing", false, "文件已在则不动 / leave an existing file alone")
	cmd.AddCommand(generate)
	return cmd
}

// ephemeralKeys makes keys that last as long as the process.
func ephemeralKeys(suite string) (*keyring.Keyring, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	return keyring.New(suite, map[int][]byte{1: key}, 1)
}
