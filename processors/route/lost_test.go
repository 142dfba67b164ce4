package route_test

import (
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/route"
	"github.com/yiyuan-bus/yiyuan/processors/stagetest"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// The registry has lost the schemas under which the last images were written
// (their subject was deleted for good): rows that come after, deletions and a
// renewal take effect as ever, because an image that is whole under the dataset's
// own schema and bears the row's key can be nothing else.
func TestSchemasLost(t *testing.T) {
	const car, owner, other = "GA03 HPHM=云Z12345 HPZLDM=02 SYRGMSFHM=", "539902198503120013", "539902198503120021"
	for _, name := range []string{"changed", "deleted", "renewed"} {
		t.Run(name, func(t *testing.T) {
			c := newCity(t)
			say(t, c, car+owner)
			before := c.Drain()
			c.LoseSchemas()
			again(t, c)
			switch name {
			case "changed":
				say(t, c, car+other)
			case "deleted":
				say(t, c, "GA03 d HPHM=云Z12345 HPZLDM=02")
			case "renewed":
				c.Catalogue.Version = "another12345"
				again(t, c)
				out, err := c.Route.Renew()
				if err != nil || len(out) != len(before) {
					t.Errorf("%d records were renewed, want %d: %v", len(out), len(before), err)
				}
				return
			}
			out := c.Drain()
			if !retracted(out, owner) {
				t.Errorf("what the lost image said about its owner is not taken back: %s", topicsOf(out))
			}
			for _, r := range out {
				if r.Topic == contract.Quarantine {
					t.Error("an image that was found is in quarantine")
				}
			}
		})
	}
}

// An image that no schema fits is told to quarantine; the row that replaces it is
// taken, shown in every view, and the process goes on.
func TestImageLost(t *testing.T) {
	const person = "GA01 GMSFHM=539902198503120013 CSRQ=1985-03-12 XBDM=1 XM="
	for _, name := range []string{"changed", "deleted", "renewed"} {
		t.Run(name, func(t *testing.T) {
			c := newCity(t)
			say(t, c, person+"张三")
			shown := map[contract.Topic]bool{}
			for _, r := range c.Drain() {
				if strings.HasPrefix(string(r.Topic), "shared.") {
					shown[r.Topic] = true
				}
			}
			state := c.Route.State()
			for key, value := range state {
				c.Route.Set(key, []byte(value[:len(value)-1])) // no whole record under any schema
			}
			c.LoseSchemas()
			again(t, c)
			switch name {
			case "changed":
				say(t, c, person+"张四")
			case "deleted":
				say(t, c, "GA01 d GMSFHM=539902198503120013")
			case "renewed":
				c.Catalogue.Version = "another12345"
				again(t, c)
				out, err := c.Route.Renew()
				if err != nil || len(out) != 1 || out[0].Topic != contract.Quarantine {
					t.Errorf("renewed %s, %v, want one rejection", topicsOf(out), err)
				}
				return
			}
			out := c.Drain()
			told := 0
			for _, r := range out {
				delete(shown, r.Topic)
				if r.Topic == contract.Quarantine {
					told++
					if rec, err := c.Decode(r.Value); err != nil || rec.Get("reason").Str() != contract.ReasonSchema || rec.Get("dataset").Str() != "GA01" || !strings.HasPrefix(rec.Get("locator").Str(), "state/") {
						t.Errorf("quarantine says %v, %v", rec.Get("reason").Str(), err)
					}
				}
			}
			if told != 1 || len(shown) > 0 {
				t.Errorf("%d rejections, want 1; views left as they were: %v", told, shown)
			}
			if name == "deleted" && !retracted(out, "539902198503120013") {
				t.Error("the claim about the row's own subject is not taken back")
			}
		})
	}
}

func say(t *testing.T, c *stagetest.City, line string) {
	t.Helper()
	r, err := c.Change(line)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Take(r); err != nil {
		t.Fatal(err)
	}
}

// again makes the stage again, as a process that starts does.
func again(t *testing.T, c *stagetest.City) {
	t.Helper()
	keys, err := keyring.New("intl", map[int][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if c.Route.Stage, err = route.New(c.Catalogue, c.Codec, keys).Stage(); err != nil {
		t.Fatal(err)
	}
}

func retracted(out []bus.Record, entity string) bool {
	for _, r := range out {
		if r.Topic == contract.Claims("person") && string(r.Key) == entity {
			return true
		}
	}
	return false
}

func topicsOf(out []bus.Record) string {
	var names []string
	for _, r := range out {
		names = append(names, string(r.Topic))
	}
	return strings.Join(names, " ")
}
