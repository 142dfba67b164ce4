package contract

import (
	"slices"
	"strings"
	"time"
)

// Topic is a topic's name without the configured prefix.
type Topic string

// The families of topics of which there is one for each dataset, entity, view or step.
const (
	FamilyRaw      = "raw"
	FamilyClaims   = "claims"
	FamilyResolved = "resolved"
	FamilyShared   = "shared"
	FamilyState    = "state"
)

// Family returns the family of a topic, and of which dataset, entity, view or step
// it is the one; of a topic of which there is one, its name and "".
func (t Topic) Family() (family, of string) {
	family, of, _ = strings.Cut(string(t), ".")
	return family, of
}

// Subject is the subject of the registry that holds the schemas of a topic's values:
// Confluent's TopicNameStrategy.
func (t Topic) Subject() string { return string(t) + valueSuffix }

const valueSuffix = "-value"

// TopicOf returns the topic whose values a subject is of, if it is of a topic's values.
func TopicOf(subject string) (Topic, bool) {
	name, ok := strings.CutSuffix(subject, valueSuffix)
	return Topic(name), ok
}

// Raw is the topic of a dataset's rows, exactly as the department said them.
func Raw(dataset string) Topic { return Topic(FamilyRaw + "." + dataset) }

// Claims is the topic of what departments say about an entity's members.
func Claims(entity string) Topic { return Topic(FamilyClaims + "." + entity) }

// Resolved is the topic of an entity's golden records.
func Resolved(entity string) Topic { return Topic(FamilyResolved + "." + entity) }

// Shared is the topic of a masked view, "GA01.partial" or "person.partial".
func Shared(view string) Topic { return Topic(FamilyShared + "." + view) }

// State is the changelog of a step's state.
func State(step string) Topic { return Topic(FamilyState + "." + step) }

// The topics of which there is one.
const (
	Findings   Topic = "findings"
	Refused    Topic = "refused" // rows of which a newer version was refused, see RefusedLayout
	Quarantine Topic = "quarantine"
	Control    Topic = "control"
	Audit      Topic = "audit"
	Sources    Topic = "sources"
	Schemas    Topic = "_schemas"
	Bus        Topic = "bus" // about the bus itself, see Mark
	// Catalogues holds the catalogues that were applied: one partition, in order, never
	// deleted, so that it is also the history of what was in force, by whom and when.
	Catalogues Topic = "catalogue"
)

// Known reports whether the topic is one of the bus's own: by its whole name, or
// by its family and something that it is of.
func (t Topic) Known() bool {
	if slices.Contains(singles, t) {
		return true
	}
	family, of := t.Family()
	return of != "" && slices.Contains(families, family)
}

// What Known knows: all that this package names.
var (
	families = []string{FamilyRaw, FamilyClaims, FamilyResolved, FamilyShared, FamilyState}
	singles  = []Topic{Findings, Refused, Quarantine, Control, Audit, Sources, Schemas, Bus, Catalogues}
)

// Week is the one memory: how long claims stay, deletions are remembered and a raw
// topic keeps every record.
const Week = 7 * 24 * time.Hour

// Fenced reports whether fences may be written to the topic: it is ours alone.
func (t Topic) Fenced() bool {
	family, _ := t.Family()
	return t == Sources || family == FamilyState
}

// Spec says how a topic is kept.
type Spec struct {
	Topic      Topic
	Partitions int  // 0 = as the bus is configured
	Compact    bool // keep the last record of each key, for ever
	// CompactAfter, with Compact, is how long every record stays even if another
	// one of its key has come after it. Where a later record need not be a newer
	// image (raw.*), whoever must see all has so long to read it.
	CompactAfter time.Duration
	Grown        bool          // it may have been given more partitions since
	Retention    time.Duration // of a topic that is not compacted; negative = for ever, 0 = Week
}

// Kept is how long a topic that is not compacted keeps its records, negative = for ever.
func (s Spec) Kept() time.Duration {
	if s.Retention == 0 {
		return Week
	}
	return s.Retention
}
