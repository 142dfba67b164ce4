// Package rights says what each principal of a city needs to be allowed at Kafka, and
// writes it as the lines of kafka-acls.sh. It is derived from what the process itself
// declares: how topics are kept, what steps read and write, which datasets a source feeds.
//
// A right that a broker implies is not named: Read and Write imply Describe, AlterConfigs
// implies DescribeConfigs, and writing to any topic implies idempotent writing.
package rights

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Kind is what a right is on, as the option of kafka-acls.sh calls it.
type Kind string

// The kinds of resources.
const (
	Topic         Kind = "topic"
	Group         Kind = "group"
	Transactional Kind = "transactional-id"
)

// Operation is what may be done, as kafka-acls.sh calls it.
type Operation string

// The operations that a city needs.
const (
	Read            Operation = "Read"
	Write           Operation = "Write"
	Describe        Operation = "Describe"
	Create          Operation = "Create"
	Alter           Operation = "Alter"
	AlterConfigs    Operation = "AlterConfigs"
	DescribeConfigs Operation = "DescribeConfigs"
)

// Right allows one operation on one resource, or on all whose names begin with Name.
type Right struct {
	Kind      Kind      `json:"kind"`
	Name      string    `json:"name"` // the prefix of the city in front
	Prefixed  bool      `json:"prefixed,omitempty"`
	Operation Operation `json:"operation"`
}

// City is what rights are derived from.
type City struct {
	Prefix string            // bus.prefix
	Topics []contract.Topic  // every topic of the bus
	Steps  []processors.Step // of the processors
	Reads  []contract.Topic  // of the gateway
}

// Source is one source as its process runs it.
type Source struct {
	Name     string
	Datasets []string
	Audits   bool // it also writes entries of the audit: a push source's refusals
}

// registry is read and written by every process that has the registry in it.
var registry = contract.Schemas

// common are the topics that bind a process to its bus: which keys, which catalogue,
// which format, which schemas.
var common = []contract.Topic{contract.Control, contract.Catalogues, contract.Bus, registry}

// Bus is what the bus's own principal needs: all roles, the topics made and kept, and the
// commands of an operator (doctor, plan, apply, repartition, source, txn).
func (c City) Bus() []Right {
	s := set{city: c}
	s.keeps()
	s.binds()
	s.processes()
	s.answers()
	for _, t := range append([]contract.Topic{contract.Sources}, common...) { // also the first of all: keys, catalogue, format
		s.allow(Topic, s.family(t), false, Read, Write)
	}
	s.allow(Topic, s.family(contract.Raw("x")), true, Read, Write)
	s.allow(Topic, s.family(contract.Quarantine), false, Write)
	s.allow(Transactional, c.Prefix+"source.", true, Write)
	s.allow(Topic, s.family(contract.Claims("x")), true, Alter) // repartition
	s.allow(Topic, s.family(contract.State("x")), true, Alter)
	return s.rights()
}

// Processors is what a process with the role processors alone needs, on a bus that has
// been started once.
func (c City) Processors() []Right {
	s := set{city: c}
	s.keeps()
	s.binds()
	s.processes()
	return s.rights()
}

// Gateway is what a process with the role gateway alone needs, on a bus that has been
// started once.
func (c City) Gateway() []Right {
	s := set{city: c}
	s.keeps()
	s.binds()
	s.answers()
	return s.rights()
}

// Connectors is what a process needs that runs these sources and nothing else, on a bus
// that has been started once: such as one in a department's own rooms. It makes and
// alters no topic, and of rows it reads and writes those of its datasets alone.
func (c City) Connectors(sources ...Source) []Right {
	s := set{city: c}
	for _, t := range c.Topics {
		s.allow(Topic, s.family(t), s.isFamily(t), Describe, DescribeConfigs)
	}
	for _, t := range common {
		s.allow(Topic, s.family(t), false, Read)
	}
	s.allow(Topic, s.family(contract.Sources), false, Read, Write)
	s.allow(Topic, s.family(contract.Quarantine), false, Write)
	for _, source := range sources {
		s.allow(Transactional, c.Prefix+"source."+source.Name, false, Write)
		for _, d := range source.Datasets {
			s.allow(Topic, c.Prefix+string(contract.Raw(d)), false, Read, Write)
		}
		if source.Audits {
			s.allow(Topic, s.family(contract.Audit), false, Write)
		}
	}
	return s.rights()
}

// Subscriber is what an application needs that reads shared views from their topics, in
// groups whose names begin with group.
func (c City) Subscriber(group string, views ...string) []Right {
	s := set{city: c}
	for _, v := range views {
		s.allow(Topic, c.Prefix+string(contract.Shared(v)), false, Read)
	}
	s.allow(Group, group, true, Read)
	return s.rights()
}

// Auditor is what yiyuan audit needs: to read the audit, and how it is written.
func (c City) Auditor() []Right {
	s := set{city: c}
	for _, t := range []contract.Topic{contract.Audit, registry} {
		s.allow(Topic, s.family(t), false, Read)
	}
	return s.rights()
}

// set gathers rights, each once.
type set struct {
	city City
	all  []Right
}

// keeps allows to make topics and to hold them to how they must be kept.
func (s *set) keeps() {
	for _, t := range s.city.Topics {
		s.allow(Topic, s.family(t), s.isFamily(t), Create, AlterConfigs, Describe)
	}
}

// binds allows what a process does at its start, and the registry in it.
func (s *set) binds() {
	for _, t := range common {
		s.allow(Topic, s.family(t), false, Read)
	}
	s.allow(Topic, s.family(registry), false, Write)
}

// processes allows what the steps do.
func (s *set) processes() {
	for _, step := range s.city.Steps {
		s.allow(Group, s.city.Prefix+step.Name, false, Read)
		s.allow(Transactional, s.city.Prefix+step.Name+".", true, Write)
		for _, t := range step.From {
			s.allow(Topic, s.family(t), s.isFamily(t), Read)
		}
		for _, t := range step.To {
			s.allow(Topic, s.family(t), s.isFamily(t), Write)
		}
		s.allow(Topic, s.family(contract.State(step.Name)), true, Read, Write)
		s.allow(Topic, s.family(contract.Bus), false, Write) // what is renewed
	}
}

// answers allows what a gateway does.
func (s *set) answers() {
	for _, t := range s.city.Reads {
		s.allow(Topic, s.family(t), s.isFamily(t), Read)
	}
	s.allow(Topic, s.family(contract.Audit), false, Write)
	s.allow(Topic, s.family(contract.Quarantine), false, Write) // what persons have settled
	for _, step := range s.city.Steps {
		s.allow(Group, s.city.Prefix+step.Name, false, Describe)
	}
}

// isFamily reports whether there is one such topic for each dataset, entity, view or
// step: rights on it are given to the family, so that a catalogue may grow.
func (s *set) isFamily(t contract.Topic) bool {
	_, of := t.Family()
	return of != ""
}

// family is the name of the topic, or what the names of its family begin with.
func (s *set) family(t contract.Topic) string {
	family, of := t.Family()
	if of != "" {
		return s.city.Prefix + family + "."
	}
	return s.city.Prefix + string(t)
}

func (s *set) allow(kind Kind, name string, prefixed bool, operations ...Operation) {
	for _, o := range operations {
		if r := (Right{kind, name, prefixed, o}); !slices.Contains(s.all, r) {
			s.all = append(s.all, r)
		}
	}
}

// rights are those gathered, without what others of them imply.
func (s *set) rights() []Right {
	implied := func(r Right) bool {
		by := func(operations ...Operation) bool {
			return slices.ContainsFunc(operations, func(o Operation) bool {
				other := r
				other.Operation = o
				return slices.Contains(s.all, other)
			})
		}
		switch r.Operation {
		case Describe:
			return by(Read, Write, Alter)
		case DescribeConfigs:
			return by(AlterConfigs)
		case Read, Write, Create, Alter, AlterConfigs:
		}
		return false
	}
	return slices.DeleteFunc(slices.Clone(s.all), implied)
}
