package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
)

func quarantineCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "quarantine", Short: "问题数据：待办清单，由人办结 / what could not be taken: what is to be mended, and what a person has settled"}
	cmd.AddCommand(quarantineList(), quarantineSettle())
	return cmd
}

// worklist is what the gateway answers about quarantine, as far as it is printed.
type worklist struct {
	Entries []worklistEntry `json:"entries"`
	Total   int             `json:"total"`
	Open    int             `json:"open"`
	Next    string          `json:"next"`
	Beyond  int             `json:"beyond"`
}

type worklistEntry struct {
	ID      string    `json:"id"`
	Dataset string    `json:"dataset"`
	Field   string    `json:"field"`
	Reason  string    `json:"reason"`
	Source  string    `json:"source"`
	From    string    `json:"from"`
	Locator string    `json:"locator"`
	Arrived time.Time `json:"arrived_at"`
	Row     string    `json:"row"`
	RowKey  []struct {
		Field string `json:"field"`
		Value string `json:"value"`
	} `json:"row_key"`
	Settled *struct {
		At  time.Time `json:"at"`
		How string    `json:"how"`
		By  string    `json:"by"`
	} `json:"settled"`
}

func quarantineList() *cobra.Command {
	var c client
	var asJSON bool
	query := url.Values{}
	flags := map[string]*string{"dataset": new(string), "source": new(string), "reason": new(string), "state": new(string), "cursor": new(string)}
	limit := 100
	cmd := &cobra.Command{
		Use: "ls", Short: "列出问题数据，最近的在前；部门只见自己的 / list what could not be taken, newest first; a department sees its own", Args: cobra.NoArgs,
		Example: "  yiyuan quarantine ls --state open --source ga-pg\n  yiyuan quarantine ls --purpose QYZX",
		Long: `列出问题数据：何时、哪个数据集、哪个字段、为什么、在哪里、是哪一行、是否已了结。
某行的主键只给看得到它的应用：有该数据集视图的授权、主键字段不脱敏，并用 --purpose 说明该授权的用途；其他人看到的是令牌。
Lists what could not be taken: when, of which dataset and field, why, where, which row, and whether it is settled. A row's key is shown to who has
a grant of a view of the dataset that shows it in clear, and names that grant's purpose by --purpose; others see a token.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for name, value := range flags {
				if *value != "" {
					query.Set(name, *value)
				}
			}
			query.Set("limit", strconv.Itoa(limit))
			return c.worklist(cmd.Context(), cmd.OutOrStdout(), "/v1/quarantine?"+query.Encode(), asJSON)
		},
	}
	c.flags(cmd)
	f := cmd.Flags()
	f.StringVar(flags["dataset"], "dataset", "", "只看这个数据集 / of this dataset")
	f.StringVar(flags["source"], "source", "", "只看这个数据源 / of this source")
	f.StringVar(flags["reason"], "reason", "", "只看这个原因：unreadable schema missing invalid unknown duplicate too_large internal / for this reason")
	f.StringVar(flags["state"], "state", "", "open 未了结，settled 已了结；空为全部 / open, settled; empty = all")
	f.StringVar(flags["cursor"], "cursor", "", "上一页末尾给出的 / as the page before said")
	f.IntVar(&limit, "limit", limit, "一页多少条，至多 500 / entries a page, at most 500")
	f.BoolVar(&asJSON, "json", false, "给程序用的 JSON / JSON, for programs")
	return cmd
}

func quarantineSettle() *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use: "settle ID", Short: "办结一条：不知是哪一行的，不会自动了结 / settle an entry: one of which the row is not known is not settled by itself",
		Example: "  yiyuan quarantine settle 3-1042", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.do(cmd.Context(), cmd.OutOrStdout(), http.MethodPost, "/v1/quarantine/settle", map[string]any{"id": args[0]})
		},
	}
	c.flags(cmd)
	return cmd
}

// worklist asks for a page and prints it.
func (c *client) worklist(ctx context.Context, out io.Writer, path string, asJSON bool) error {
	var b bytes.Buffer
	if err := c.do(ctx, &b, http.MethodGet, path, nil); err != nil {
		return err
	}
	if asJSON {
		_, err := b.WriteTo(out)
		return err
	}
	var page worklist
	if err := json.Unmarshal(b.Bytes(), &page); err != nil {
		return fmt.Errorf("读不懂回答 / cannot read the answer: %w", err)
	}
	lines := [][]string{{"编号 ID", "时间 TIME", "数据集 DATASET", "字段 FIELD", "原因 REASON", "数据源 SOURCE", "位置 PLACE", "行 ROW", "状态 STATE"}}
	for _, e := range page.Entries {
		lines = append(lines, []string{e.ID, e.Arrived.Format(time.DateTime), e.Dataset, dash(e.Field), e.Reason, fallback(e.From, e.Source), dash(e.Locator), e.row(), e.state()})
	}
	if err := terminal.Table(out, lines); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "\n%d 条，未了结 %d / entries, %d open\n", page.Total, page.Open, page.Open)
	if page.Beyond > 0 {
		fmt.Fprintf(&text, "另有更早的 %d 条未列出 / %d earlier ones are not listed\n", page.Beyond, page.Beyond)
	}
	if page.Next != "" {
		fmt.Fprintf(&text, "下一页 / next page: --cursor %s\n", page.Next)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func dash(text string) string { return fallback(text, "-") }

// row is the row's key for who may see it, else its token, as far as it tells rows apart.
func (e *worklistEntry) row() string {
	var parts []string
	for _, f := range e.RowKey {
		parts = append(parts, f.Field+"="+f.Value)
	}
	if len(parts) > 0 {
		return strings.Join(parts, " ")
	}
	if len(e.Row) > 8 {
		return e.Row[:8] + "…"
	}
	return dash(e.Row)
}

func (e *worklistEntry) state() string {
	if e.Settled == nil {
		return "open"
	}
	return e.Settled.How + " " + e.Settled.By + " " + e.Settled.At.Format(time.DateTime)
}
