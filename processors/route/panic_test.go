package route

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/stagetest"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// tripping panics with what it is given, once it is told to.
type tripping struct {
	*keyring.Keyring
	on bool
}

func (k *tripping) Token(audience, value string) string {
	if k.on {
		panic("token of " + value)
	}
	return k.Keyring.Token(audience, value)
}

// A panic on a row rejects this row, with the place in the program; its value,
// here the row's own key, stands neither in quarantine nor in the log.
func TestPanicTellsItsPlace(t *testing.T) {
	var log bytes.Buffer
	crash.LogTo(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer crash.LogTo(nil)
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.New("intl", map[int][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	keys := &tripping{Keyring: ring}
	c, err := stagetest.NewCity(cat, time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC), func(c *codec.Codec) processors.Step {
		return processors.Step{Name: Name, Stage: func() (processors.Stage, error) { return newStage(cat, c, keys) }}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var lines []bus.Record
	for _, line := range []string{"GA01 GMSFHM=539902198503120777 CSRQ=1985-03-12 XBDM=1 XM=金丝雀", "ZJ01 JZWBM=B1 BZDZ=云岭路1号"} {
		r, err := c.Change(line)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, r)
	}
	keys.on = true
	if err := c.Take(lines...); err != nil {
		t.Fatalf("the step ended: %v", err)
	}
	told, neighbour := "", 0
	for _, r := range c.Drain() {
		if r.Topic == contract.Raw("GA01") || r.Topic == contract.Claims("person") || strings.HasPrefix(string(r.Topic), "shared.GA01") {
			t.Errorf("a row that panicked is in %s", r.Topic)
		}
		if strings.HasPrefix(string(r.Topic), "shared.ZJ01") {
			neighbour++
		}
		if r.Topic == contract.Quarantine {
			rec, err := c.Decode(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			told += rec.Get("reason").Str() + " " + rec.Get("detail").Str()
			if strings.Contains(string(r.Value), "539902198503120777") {
				t.Error("quarantine holds the value")
			}
		}
	}
	const place = "processors/route/panic_test.go:"
	if !strings.Contains(told, contract.ReasonInternal) || !strings.Contains(told, place) {
		t.Errorf("quarantine is told %q", told)
	}
	if neighbour == 0 {
		t.Error("the row beside it was not taken")
	}
	if text := log.String(); strings.Contains(text, "539902198503120777") || !strings.Contains(text, place) || !strings.Contains(text, `"type":"string"`) {
		t.Errorf("the log says %s", text)
	}
}
