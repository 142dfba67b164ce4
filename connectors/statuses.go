package connectors

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// statuses returns what each source last said of itself.
func statuses(ctx context.Context, b *bus.Bus) (map[string]contract.SourceStatus, error) {
	sources := map[string]contract.SourceStatus{}
	err := b.Replay(ctx, contract.Sources, func(r bus.Record) error {
		var s contract.SourceStatus
		if delete(sources, string(r.Key)); r.Value == nil {
			return nil
		}
		if err := json.Unmarshal(r.Value, &s); err != nil {
			return fmt.Errorf("status of source %q: %w", r.Key, err)
		}
		sources[string(r.Key)] = s
		return nil
	})
	return sources, err
}

// inherited notes which sources fed this one's datasets before and left rows that it
// has now accounted for, and how many they had published then: more of them later
// would be others.
func inherited(ctx context.Context, b *bus.Bus, cfg Config, before map[string]int64) (map[string]int64, error) {
	sources, err := statuses(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("look who fed the datasets before: %w", err)
	}
	out := maps.Clone(before)
	for _, d := range cfg.Datasets {
		if contract.SoleFeeder(sources, d.ID) != cfg.Name {
			continue
		}
		for name, s := range sources {
			if name != cfg.Name && s.Fed(d.ID) {
				if out == nil {
					out = map[string]int64{}
				}
				out[name] = s.Rows
			}
		}
	}
	return out, nil
}
