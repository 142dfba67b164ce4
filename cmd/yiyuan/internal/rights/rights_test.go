package rights

import (
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// small is a city of two datasets, one entity and one step of each kind.
func small() City {
	route := processors.Step{Name: contract.Route, From: []contract.Topic{contract.Raw("A01"), contract.Raw("B01")}, To: []contract.Topic{contract.Claims("person"), contract.Quarantine, contract.Refused, contract.Shared("A01.partial")}}
	resolve := processors.Step{Name: contract.Resolve("person"), From: []contract.Topic{contract.Claims("person")}, To: []contract.Topic{contract.Findings, contract.Resolved("person"), contract.Shared("person.partial"), contract.Quarantine}}
	c := City{Prefix: "yl.", Steps: []processors.Step{route, resolve}, Reads: []contract.Topic{contract.Findings, contract.Quarantine, contract.Sources, contract.Refused, contract.Shared("person.partial")}}
	c.Topics = append(c.Topics, contract.Findings, contract.Refused, contract.Quarantine, contract.Control, contract.Catalogues, contract.Audit, contract.Bus, contract.Sources, contract.Schemas)
	for _, s := range c.Steps {
		c.Topics = append(append(append(c.Topics, s.From...), s.To...), contract.State(s.Name))
	}
	return c
}

// can reports whether rights allow an operation on a resource.
func can(rights []Right, kind Kind, operation Operation, name string) bool {
	return slices.ContainsFunc(rights, func(r Right) bool {
		return r.Kind == kind && r.Operation == operation && (r.Name == name || r.Prefixed && strings.HasPrefix(name, r.Name))
	})
}

// TestOnlyItsOwn: who is not the bus itself reads and writes what is its own, and nothing
// of anybody else's.
func TestOnlyItsOwn(t *testing.T) {
	t.Parallel()
	c := small()
	department := c.Connectors(Source{Name: "a-pg", Datasets: []string{"A01"}})
	subscriber := c.Subscriber("mz.", "person.partial")
	for _, one := range []struct {
		who    string
		rights []Right
		reads  []contract.Topic
		writes []contract.Topic
	}{
		{"connectors", department, []contract.Topic{contract.Raw("A01"), contract.Sources, contract.Control, contract.Catalogues, contract.Bus, contract.Schemas}, []contract.Topic{contract.Raw("A01"), contract.Sources, contract.Quarantine}},
		{"subscriber", subscriber, []contract.Topic{contract.Shared("person.partial")}, nil},
		{"auditor", c.Auditor(), []contract.Topic{contract.Audit, contract.Schemas}, nil},
		{"gateway", c.Gateway(), append([]contract.Topic{contract.Shared("A01.partial"), contract.Control, contract.Catalogues, contract.Bus, contract.Schemas}, c.Reads...), []contract.Topic{contract.Audit, contract.Quarantine, contract.Schemas}},
	} {
		for _, topic := range c.Topics {
			name := c.Prefix + string(topic)
			if got, want := can(one.rights, Topic, Read, name), slices.Contains(one.reads, topic); got != want {
				t.Errorf("%s reads %s: %v", one.who, topic, got)
			}
			if got, want := can(one.rights, Topic, Write, name), slices.Contains(one.writes, topic); got != want {
				t.Errorf("%s writes %s: %v", one.who, topic, got)
			}
			if one.who != "gateway" && (can(one.rights, Topic, Create, name) || can(one.rights, Topic, AlterConfigs, name)) {
				t.Errorf("%s may make or alter %s", one.who, topic)
			}
		}
	}
	if can(department, Transactional, Write, "yl.source.b-pg") || !can(department, Transactional, Write, "yl.source.a-pg") {
		t.Error("a department's process takes another source's place, or not its own")
	}
	if can(subscriber, Group, Read, "yl.route") || !can(subscriber, Group, Read, "mz.relief") {
		t.Error("the subscriber's groups are not its own")
	}
	bus := c.Bus()
	for _, topic := range c.Topics {
		for _, o := range []Operation{Create, AlterConfigs} {
			if !can(bus, Topic, o, c.Prefix+string(topic)) {
				t.Errorf("the bus cannot %s %s", o, topic)
			}
		}
	}
	if can(bus, Topic, Read, "yl.audit") {
		t.Error("the bus reads the audit, which nothing of it does")
	}
}

// TestImplied: what a broker implies is not named.
func TestImplied(t *testing.T) {
	t.Parallel()
	for _, r := range small().Bus() {
		if r.Operation == Describe && r.Name == "yl.raw." || r.Operation == DescribeConfigs {
			t.Errorf("%+v is implied", r)
		}
	}
}

// TestLines: one line for each set of operations, words that a shell takes as one, and
// the same to take them away.
func TestLines(t *testing.T) {
	t.Parallel()
	c := Command{Bootstrap: "k1:9092,k2:9092", Config: "admin.properties", Principal: "User:it's mz"}
	for remove, verb := range map[bool]string{false: "--add", true: "--remove --force"} {
		c.Remove = remove
		var b strings.Builder
		if err := c.Write(&b, small().Subscriber("mz.", "person.partial", "A01.partial")); err != nil {
			t.Fatal(err)
		}
		head := "kafka-acls.sh --bootstrap-server k1:9092,k2:9092 --command-config admin.properties " + verb + ` --allow-principal 'User:it'\''s mz' --operation Read `
		if want := head + "--topic yl.shared.person.partial --topic yl.shared.A01.partial\n" + head + "--resource-pattern-type prefixed --group mz.\n"; b.String() != want {
			t.Errorf("got\n%s\nwant\n%s", b.String(), want)
		}
	}
}
