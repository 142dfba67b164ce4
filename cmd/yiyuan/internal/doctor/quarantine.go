package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/quarantine"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

const quarantineCheck = "quarantine.open"

// openRejections tells what of the topic quarantine is open, by source and dataset.
func openRejections(ctx context.Context, b *bus.Bus) Finding {
	now := codec.New(ownSchema{contract.QuarantineLayout}).Reader(contract.QuarantineLayout)
	elder := codec.New(ownSchema{contract.ElderQuarantineLayout}).Reader(contract.QuarantineLayout)
	book := quarantine.NewBook(0, time.Now)
	err := b.Peek(ctx, contract.Quarantine, func(r bus.Record) error {
		if r.Value == nil {
			return book.Bare(&r)
		}
		row, err := now.Decode(ctx, r.Value)
		if err != nil {
			if row, err = elder.Decode(ctx, r.Value); err != nil {
				return nil //nolint:nilerr // of a later build; the gateway counts what it cannot read
			}
		}
		return book.Row(&r, row)
	})
	if err != nil {
		return unanswered(quarantineCheck, err)
	}
	book.Level()
	return checkOpen(book.Tallies(), time.Now())
}

// checkOpen judges what is open.
func checkOpen(open []quarantine.Tally, now time.Time) Finding {
	if len(open) == 0 {
		return fine(quarantineCheck, "问题数据均已了结 / nothing in quarantine is open")
	}
	list, all := []string(nil), 0
	for _, t := range open {
		age := now.Sub(t.Oldest).Round(time.Minute)
		list, all = append(list, fmt.Sprintf("%s %s (%d，最早 / oldest %s)", t.Source, t.Dataset, t.Open, age)), all+t.Open
	}
	return warning(quarantineCheck, fmt.Sprintf("%d 条问题数据未了结 / %d entries of quarantine are open: %s", all, all, strings.Join(list, "; ")),
		"yiyuan quarantine ls --state open：请部门更正后重新报送，接收后自动了结；不知是哪一行的，处理后 yiyuan quarantine settle 编号 / have the department mend and send them again, which settles them; of which the row is not known: yiyuan quarantine settle ID once it is done")
}
