package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// ownSchema stands for a registry that knows the schema of one layout under every id: the
// doctor asks no registry, and would change one by asking.
type ownSchema struct{ layout *schemas.Layout }

// Register implements codec.Registry.
func (ownSchema) Register(context.Context, string, string) (int, error) { return 0, errNoAnswer }

// Schema implements codec.Registry.
func (s ownSchema) Schema(context.Context, int) (string, error) {
	return codec.Schema(s.layout), nil
}

const refusedCheck = "rows.refused"

// refusedRows names the datasets with rows of which a newer version was refused.
func refusedRows(ctx context.Context, b *bus.Bus) Finding {
	reader := codec.New(ownSchema{contract.RefusedLayout}).Reader(contract.RefusedLayout)
	rows, datasets := map[string]int{}, []string(nil) // a row's dataset by its place among them
	err := b.Peek(ctx, contract.Refused, func(r bus.Record) error {
		if r.Value == nil {
			delete(rows, string(r.Key))
			return nil
		}
		rec, err := reader.Decode(ctx, r.Value)
		if err != nil {
			return fmt.Errorf("read a refused row: %w", err)
		}
		at := slices.Index(datasets, rec.Get("dataset").Str())
		if at < 0 {
			at, datasets = len(datasets), append(datasets, strings.Clone(rec.Get("dataset").Str()))
		}
		rows[string(r.Key)] = at
		return nil
	})
	if err != nil {
		return unanswered(refusedCheck, err)
	}
	counts := map[string]int{}
	for _, at := range rows {
		counts[datasets[at]]++
	}
	return checkRefused(counts)
}

// checkRefused judges how many rows of each dataset stand refused.
func checkRefused(counts map[string]int) Finding {
	if len(counts) == 0 {
		return fine(refusedCheck, "没有行停在被退回的状态 / no row stands refused")
	}
	list, all := []string(nil), 0
	for _, id := range slices.Sorted(maps.Keys(counts)) {
		list, all = append(list, fmt.Sprintf("%s (%d)", id, counts[id])), all+counts[id]
	}
	return warning(refusedCheck, fmt.Sprintf("%d 行的更新被退回，查询仍答退回前的内容并注明 / newer versions of %d rows were refused, lookups answer what was known before and say so: %s", all, all, strings.Join(list, ", ")),
		"请部门按问题数据（控制台或 GET /v1/quarantine）更正后重新报送，自动解除 / have the department mend what quarantine shows (console or GET /v1/quarantine) and send it again, it settles by itself")
}
