package contract

import (
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Forever keeps what comes into a topic that is not compacted.
const Forever = -1 * time.Nanosecond

// QuarantineKept is how long the topic quarantine keeps rejections, and what settles them.
const QuarantineKept = 30 * 24 * time.Hour

// How topics are kept of which there is one and which decide whether a process may go on at all: they are there before all others.
var (
	ControlSpec   = Spec{Topic: Control, Partitions: 1, Retention: Forever}
	CatalogueSpec = Spec{Topic: Catalogues, Partitions: 1, Retention: Forever}
	BusSpec       = Spec{Topic: Bus, Partitions: 1, Compact: true}
	SchemasSpec   = Spec{Topic: Schemas, Partitions: 1, Compact: true}
)

// Topics is every topic that a catalogue needs, with how it is kept, but for those that steps keep for themselves.
func Topics(cat *schemas.Catalogue) []Spec {
	specs := []Spec{
		{Topic: Findings, Compact: true},
		{Topic: Refused, Compact: true},
		{Topic: Quarantine, Retention: QuarantineKept},
		ControlSpec,
		CatalogueSpec,
		{Topic: Audit, Retention: Forever},
		BusSpec,
		{Topic: Sources, Partitions: 16, Compact: true},
		SchemasSpec,
	}
	for _, d := range cat.Datasets {
		// An older image may come after the newer one; route tells them apart, if it sees both.
		specs = append(specs, Spec{Topic: Raw(d.ID), Compact: true, CompactAfter: Week})
		for _, v := range d.Views {
			specs = append(specs, Spec{Topic: Shared(v.ID), Compact: true})
		}
	}
	for _, e := range cat.Entities {
		specs = append(specs, Spec{Topic: Claims(e.ID), Retention: Week, Grown: true})
		if len(e.Fields) > 0 {
			specs = append(specs, Spec{Topic: Resolved(e.ID), Compact: true})
		}
		for _, v := range e.Views {
			specs = append(specs, Spec{Topic: Shared(v.ID), Compact: true})
		}
	}
	for _, v := range cat.Lineage.Gone() { // what stands in them is taken back
		specs = append(specs, Spec{Topic: Shared(v.ID), Compact: true})
	}
	return specs
}
