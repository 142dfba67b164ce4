package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/draft"
)

func sourceInit() *cobra.Command {
	var o draft.Options
	cmd := &cobra.Command{
		Use: "init KIND", Short: "数据探查：看部门的表，起草数据集和数据源文件供修改 / look at a department's tables and draft dataset and source files to edit",
		Long: `只读连接部门的数据库，看表、列、主键、注释和至多 --sample 行的内容，猜每列是哪个数据元，写出每张表的数据集文件和一个数据源文件。
每个猜测旁边写着理由和别的可能；不认识的定为 L4、不给明文，放不下的列不接入。行里的值不出现在任何输出和文件中。
已有的文件从不覆盖；有一张表被拒绝，就什么都不写。--out 是城市的文件夹（其中有 --catalogue），也可以是新文件夹。
Connects to the department's database read only, looks at tables, columns, keys, comments and the content of --sample rows at most, guesses
which data element each column is of, and writes a dataset file for each table and the source's file. Each guess has its reason and what else
it could be beside it; what is not recognised is L4 and never clear, a column that nothing fits is not taken. No value of a row is in any
output or file. No file is overwritten, and nothing is written if a table is refused. --out is the city's folder, or a new one.`,
		Example: `  GA_DSN='host=10.0.0.5 dbname=rkk user=yiyuan password=…' yiyuan source init postgres --dsn env:GA_DSN \
    --table ga.t_czrk --catalogue my-city/catalogue --out my-city --name ga-pg --department GA --dry-run`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Kind, o.Report, o.Page = args[0], cmd.ErrOrStderr(), cmd.OutOrStdout()
			if err := o.Sound(); err != nil {
				return usageError(cmd, err)
			}
			return draft.Run(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Request.DSN, "dsn", "", "连接串在哪里：env:变量名 或 file:路径；带口令的只能这样写 / where the connection string is: env:NAME or file:PATH; one with a password is only taken that way")
	f.StringArrayVar(&o.Request.Tables, "table", nil, "看哪张表（模式.表），可写多次；不写则是能读的全部表 / a table (SCHEMA.TABLE), as often as wanted; without any, all that can be read")
	f.StringVar(&o.Catalogue, "catalogue", "", "目录文件夹 / catalogue folder")
	f.StringVar(&o.Out, "out", "", "写到哪个文件夹：目录在其中时写进目录的 datasets/，否则写进 catalogue/datasets/；数据源写进 sources/ / folder to write into: datasets/ of the catalogue if that lies within, else catalogue/datasets/; and sources/")
	f.StringVar(&o.Name, "name", "", "数据源的名称，如 ga-pg / the source's name, such as ga-pg")
	f.StringVar(&o.Department, "department", "", "哪个部门，departments.yaml 中的代号；缺省按名称和模式猜 / the department's id; by default guessed by the source's name and the schema")
	f.IntVar(&o.Request.Sample, "sample", 1000, "每张表至多看多少行，0 为不看内容 / rows of a table to look at, at most; 0 = content is not looked at")
	f.DurationVar(&o.Request.Timeout, "timeout", 5*time.Second, "一次提问至多多久（statement_timeout） / how long one question may take (statement_timeout)")
	f.BoolVar(&o.Dry, "dry-run", false, "只打印会写的文件 / only print the files that would be written")
	return cmd
}
