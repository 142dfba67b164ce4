package route_test

import (
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// completionsIn lists the topics of the control records among some.
func completionsIn(out []bus.Record) string {
	var topics []string
	for _, r := range out {
		if r.Header(contract.ControlHeader) != nil {
			if r.Partition != bus.Everywhere || r.Value != nil || r.Key[0] != 0 {
				topics = append(topics, "malformed")
			}
			topics = append(topics, string(r.Topic))
		}
	}
	return strings.Join(topics, " ")
}

// That a copy is complete is passed on once to every entity the dataset speaks about,
// and not before rows of another catalogue have been renewed.
func TestCompletion(t *testing.T) {
	c := newCity(t)
	done := contract.Completion{Dataset: "RS01", Of: 1}
	raw := bus.Record{Topic: contract.Raw("RS01"), Key: done.Key(), Headers: []bus.Header{{Key: contract.ControlHeader, Value: done.Append(nil)}}}
	c.Route.Stale = true
	out, err := c.Route.Process(raw)
	if err != nil || completionsIn(out) != "" {
		t.Errorf("before rows are renewed: %q, %v, want nothing", completionsIn(out), err)
	}
	c.Route.Clock = c.Route.Clock.Add(2 * time.Second)
	c.Route.Stale = false
	if out, err = c.Route.Wake(); err != nil || completionsIn(out) != "claims.person claims.enterprise" {
		t.Errorf("once they are: %q, %v", completionsIn(out), err)
	}
	if out, err = c.Route.Process(raw); err != nil || completionsIn(out) != "" {
		t.Errorf("a second time: %q, %v, want nothing", completionsIn(out), err)
	}
	raw.Headers[0].Value = []byte("whatever 1")
	if out, err = c.Route.Process(raw); err != nil || len(out) != 1 || out[0].Topic != contract.Quarantine {
		t.Errorf("a control record of no known kind: %d records, %v, want one for quarantine", len(out), err)
	}
}
