package gateway

import (
	"context"
	"encoding/json"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/gateway/fold"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/gateway/quarantine"
	"github.com/yiyuan-bus/yiyuan/gateway/refusal"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// folds is everything that the gateway keeps in memory of topics: another projection
// is another line. After a failure of the bus findings and sources stay in force while
// they are read again, refused rows and quarantine see to that by themselves.
func folds(lineage *schemas.Lineage, findings *finding.Book, rejected *quarantine.Reading, sources *freshness.Tracker, refused *refusal.Marks) []fold.Fold {
	return []fold.Fold{
		{Topic: contract.Findings, Layout: contract.FindingLayout, Delete: findings.Delete, Put: func(r *bus.Record, row schemas.Record) error {
			f := finding.Parse(row)
			if !lineage.BelievesEvidence(schemas.CaseName(f.Rule, f.Case), string(r.Header(contract.Catalogue))) {
				f.Withhold()
			}
			findings.Put(f)
			return nil
		}},
		rejected.Fold(),
		{Topic: contract.Sources, Delete: sources.Forget, Put: func(r *bus.Record, _ schemas.Record) error {
			source, err := sourceOf(r)
			if err == nil {
				sources.Observe(source)
			}
			return err
		}},
		{Topic: contract.Bus, Put: func(r *bus.Record, _ schemas.Record) error {
			said, ok, err := contract.ParseRenewed(r.Key, r.Value)
			if ok {
				sources.Renewed(said.Step, said.Partition, said.Catalogue)
			}
			return err //nolint:wrapcheck // the guard says where
		}},
		refused.Fold(),
	}
}

// sourceOf reads what a source says of itself.
func sourceOf(r *bus.Record) (freshness.Source, error) {
	var s contract.SourceStatus
	if err := json.Unmarshal(r.Value, &s); err != nil {
		return freshness.Source{}, err //nolint:wrapcheck // the guard says where
	}
	out := freshness.Source{
		Name: string(r.Key), Kind: s.Kind, Datasets: s.Datasets, Awaited: s.Awaited, State: s.State, Error: s.Error, Rows: s.Rows, Seen: r.Time, Status: s,
	}
	if s.At > 0 {
		out.Seen = time.UnixMilli(s.At)
	}
	if s.CaughtUp > 0 {
		out.CaughtUp = time.UnixMilli(s.CaughtUp)
	}
	if out.Datasets == nil {
		out.Datasets = []string{}
	}
	return out, nil
}

// settles is how what persons settle is written.
func settles(log audit.Appender, timeout time.Duration) func(ctx context.Context, s contract.Settlement) error {
	return func(ctx context.Context, s contract.Settlement) error {
		value, err := s.Append(nil)
		if err != nil {
			return err //nolint:wrapcheck // it is of texts alone
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		return log.Append(ctx, bus.Record{ //nolint:wrapcheck // the API says where
			Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(s.Key()), Headers: []bus.Header{{Key: contract.Settled, Value: value}},
		})
	}
}
