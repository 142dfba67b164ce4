package starter

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
)

// Command is `yiyuan init`. schemas are the JSON Schemas that go with the city.
func Command(schemas func() (map[string][]byte, error)) *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "生成一座可以运行的城市：两个部门，逐项注释 / make a city that runs: two departments, commented",
		Long: `在空目录中写出目录、数据源、应用与授权、进程配置、密钥和示例数据，可直接检查和运行。从不覆盖已有的文件。
Writes catalogue, sources, applications and grants, process settings, keys and sample rows into an empty folder, ready to be checked
and run. It never overwrites a file.`,
		Example: "  yiyuan init my-city",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			all, err := schemas()
			if err != nil {
				return err
			}
			switch err := Write(dir, all); {
			case errors.Is(err, ErrNotEmpty):
				return exit.With(exit.Usage, fmt.Errorf("目录不是空的，什么也没有写：请换一个新的名称，如 yiyuan init my-city / nothing was written: name a new folder, as in yiyuan init my-city: %w", err))
			case err != nil:
				return err
			}
			cd := ""
			if dir != "." {
				cd = "  cd " + dir + "\n"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "已生成 / made: %s\n\n%s  yiyuan check .\n  yiyuan run --config yiyuan.yaml\n\n接下来做什么见 README.md / what comes next: README.md\n", dir, cd)
			return err
		},
	}
}
