package processors_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/processors"
)

func TestMaskFailuresAreSeen(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	m := processors.NewMetrics(reg)
	masks := &processors.MaskFailures{}
	masks.Failed("person.partial", "XM") // nobody watches yet
	m.Watch(masks)
	m.Watch(nil) // a step that masks nothing
	masks.Failed("person.partial", "XM")
	masks.Failed("person.partial", "XM")
	masks.Failed("GA01.partial", "XM")
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "yiyuan_processors_mask_failures_total" {
			continue
		}
		for _, one := range f.GetMetric() {
			labels := ""
			for _, l := range one.GetLabel() {
				labels += l.GetName() + "=" + l.GetValue() + " "
			}
			got[labels] = one.GetCounter().GetValue()
		}
	}
	if len(got) != 2 || got["field=XM view=person.partial "] != 2 || got["field=XM view=GA01.partial "] != 1 {
		t.Errorf("counted %v", got)
	}
}
