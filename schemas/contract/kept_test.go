package contract_test

import (
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// TestTopics: every dataset, entity and view of a catalogue has its topic, once. What
// somebody must find again after a year is kept for ever or compacted: only claims and
// the quarantine may go by time. Raw rows stay as long as claims do before they are compacted.
func TestTopics(t *testing.T) {
	t.Parallel()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	kept := map[contract.Topic]contract.Spec{}
	for _, s := range contract.Topics(cat) {
		if _, twice := kept[s.Topic]; twice {
			t.Errorf("topic %s stands twice", s.Topic)
		}
		kept[s.Topic] = s
		family, _ := s.Topic.Family()
		if gone := !s.Compact && s.Retention >= 0; gone != (family == contract.FamilyClaims || s.Topic == contract.Quarantine) {
			t.Errorf("topic %s: kept by %+v", s.Topic, s)
		}
		if (s.CompactAfter >= contract.Week) != (family == contract.FamilyRaw) {
			t.Errorf("topic %s: compacted after %v", s.Topic, s.CompactAfter)
		}
	}
	var want []contract.Topic
	for _, d := range cat.Datasets {
		want = append(want, contract.Raw(d.ID))
		for _, v := range d.Views {
			want = append(want, contract.Shared(v.ID))
		}
	}
	for _, e := range cat.Entities {
		want = append(want, contract.Claims(e.ID))
		if len(e.Fields) > 0 {
			want = append(want, contract.Resolved(e.ID))
		}
		for _, v := range e.Views {
			want = append(want, contract.Shared(v.ID))
		}
	}
	for _, topic := range append(want, contract.Findings, contract.Refused, contract.Quarantine, contract.Control, contract.Catalogues,
		contract.Audit, contract.Bus, contract.Sources, contract.Schemas) {
		if _, ok := kept[topic]; !ok {
			t.Errorf("topic %s is missing", topic)
		}
		delete(kept, topic)
	}
	if len(kept) > 0 {
		t.Errorf("nobody needs %v", kept)
	}
}
