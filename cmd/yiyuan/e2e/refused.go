package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// MarkRefused says, as the step route does, that a person's row was refused.
func MarkRefused(t testing.TB, b *bus.Bus, c *codec.Codec, keys *keyring.Keyring, dataset, person string) {
	t.Helper()
	writer, err := c.Writer(t.Context(), contract.Refused.Subject(), contract.RefusedLayout)
	if err != nil {
		t.Fatal(err)
	}
	mark := bus.Record{Topic: contract.Refused, Partition: bus.ByKey, Key: fmt.Appendf(nil, "%x", keys.Digest(contract.RefusedRowLabel(dataset), person)), Time: time.Now()}
	mark.Value, err = writer.Append(nil, schemas.NewRecord(contract.RefusedLayout, []schemas.Value{
		schemas.Text(dataset), schemas.Millis(time.Now()), schemas.Text(fmt.Sprintf("%x", keys.Digest(contract.RefusedSubjectLabel("person"), person))),
	}))
	if err == nil {
		err = b.Append(t.Context(), mark)
	}
	if err != nil {
		t.Fatal(err)
	}
}
