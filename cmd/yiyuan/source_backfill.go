package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/connectors"
)

// sourceBackfill is what source resync says of a part of a source.
type sourceBackfill struct {
	table, from, to, window string
	rate                    int
	id                      int64
	cancel                  bool
}

func (p *sourceBackfill) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.table, "table", "", "只补读这张表（模式.表）/ only this table (schema.table), beside the stream")
	f.StringVar(&p.from, "from", "", "从这个主键起（含），JSON 数组，各列按数据集主键的次序 / from this key on, which is included: a JSON array in the order of the dataset's key")
	f.StringVar(&p.to, "to", "", "到这个主键止（含）/ up to this key, which is included")
	f.StringVar(&p.window, "window", "", "只在每天这个时段读，HH:MM-HH:MM，按运行数据源的机器的时钟 / read only at this time of day, by the clock of the machine that runs the source")
	f.IntVar(&p.rate, "rate", 0, "每秒至多读这么多行，0 = 不限 / at most so many rows a second, 0 = any")
	f.Int64Var(&p.id, "backfill", 0, "哪一项补读（编号见 ls），与 --accept-deletes 或 --cancel 合用 / which backfill, by its number in ls: with --accept-deletes or --cancel")
	f.BoolVar(&p.cancel, "cancel", false, "取消该项补读：已读的留下，不再删除 / give that backfill up: what was read stays, and nothing more is deleted")
}

// given reports whether a part of a source is spoken of.
func (p *sourceBackfill) given(cmd *cobra.Command) bool {
	for _, name := range []string{"table", "from", "to", "window", "rate", "backfill", "cancel"} {
		if cmd.Flags().Changed(name) {
			return true
		}
	}
	return false
}

func (p *sourceBackfill) run(cmd *cobra.Command, c *sourceClient, name string, dry bool, accept int64) error {
	changed := cmd.Flags().Changed
	path := "/sources/" + url.PathEscape(name) + "/backfills"
	ordered := changed("table") || changed("from") || changed("to") || changed("window") || changed("rate")
	switch {
	case dry:
		return usageError(cmd, errors.New("--dry-run 只能试读整个数据源 / --dry-run is of a whole source"))
	case changed("backfill") && ordered:
		return usageError(cmd, errors.New("--backfill 说的是已有的一项，不与 --table 等合用 / --backfill is of one that there is, and does not go with --table"))
	case changed("backfill") && p.cancel == changed("accept-deletes"):
		return usageError(cmd, errors.New("--backfill 要与 --accept-deletes 或 --cancel 之一合用 / --backfill goes with one of --accept-deletes and --cancel"))
	case changed("backfill") && p.cancel:
		return c.ask(cmd.Context(), cmd.OutOrStdout(), name, path+"/"+strconv.FormatInt(p.id, 10)+"/cancel", func(ctx context.Context, a *process.Process) error {
			return connectors.CancelBackfill(ctx, a.Bus, name, p.id)
		})
	case changed("backfill") && accept < 0:
		return usageError(cmd, fmt.Errorf("--accept-deletes %[1]d 不能为负 / --accept-deletes %[1]d must not be negative", accept))
	case changed("backfill"):
		return c.ask(cmd.Context(), cmd.OutOrStdout(), name, path+"/"+strconv.FormatInt(p.id, 10)+"/accept?deletes="+strconv.FormatInt(accept, 10), func(ctx context.Context, a *process.Process) error {
			return connectors.AcceptBackfill(ctx, a.Bus, name, p.id, accept)
		})
	case !changed("table"):
		return usageError(cmd, errors.New("要有 --table / --table is missing"))
	case p.cancel || changed("accept-deletes"):
		return usageError(cmd, errors.New("--cancel、--accept-deletes 与 --backfill 合用 / --cancel and --accept-deletes go with --backfill"))
	}
	ask := connectors.Ask{Table: p.table, Window: p.window, Rate: p.rate}
	for _, end := range []struct {
		name, text string
		into       *connectors.KeyParts
	}{{"from", p.from, &ask.From}, {"to", p.to, &ask.To}} {
		if !changed(end.name) {
			continue
		}
		if err := json.Unmarshal([]byte(end.text), end.into); err != nil || len(*end.into) == 0 {
			return usageError(cmd, fmt.Errorf("--%[1]s 要写成 JSON 数组，如 '[\"a\", 1]' / --%[1]s is a JSON array such as '[\"a\", 1]'", end.name))
		}
	}
	return c.tell(cmd.Context(), cmd.OutOrStdout(), name, path, ask, func(ctx context.Context, a *process.Process) error {
		return a.OrderBackfill(ctx, name, ask, account())
	})
}
