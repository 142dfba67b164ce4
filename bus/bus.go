// Package bus is the one door to Kafka: topics, plain and transactional
// publishing, following a topic, and the exactly-once loop that steps run in.
// Nothing else in the project imports a Kafka client.
//
// It deals in bytes (Record) and knows nothing of what is in them. Topic names
// are without the configured prefix everywhere above this package.
//
// The rooms below it: internal/kafka speaks to Kafka, internal/replay reads a topic to
// its end, topics looks after topics, groups and the cluster, engine is the exactly-once
// loop. Their methods are the bus's own.
//
// Metrics, those of engine among them:
//
//	yiyuan_bus_commit_seconds{group}           one commit of the exactly-once loop, flush included
//	yiyuan_bus_commits_total{group,outcome}    committed, aborted, lost
//	yiyuan_bus_records_total{group,direction}  records read (in) and written (out) by committed transactions
//	yiyuan_bus_restored_records_total{group}   changelog records applied while taking over partitions
//	yiyuan_bus_restore_remaining_records{group} changelog records still to be applied while taking over partitions
//	yiyuan_bus_standby_records_total{group}    changelog records applied to warm state of partitions that other processes hold
//	yiyuan_bus_published_records_total{source} records published by connectors
//	yiyuan_bus_standing_workers{step,topic}    workers of a step that stand still because Kafka refuses what they write to the topic
//	yiyuan_bus_waiting_workers{step}           workers of a step that wait for members of its group to leave that read other topics
package bus

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/bus/engine"
	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
)

// Bus is an open connection to Kafka. It is safe for concurrent use.
type Bus struct {
	*cluster.Admin
	*engine.Engine
	link    *kafka.Link
	metrics *metrics
}

// Open connects and fails if no broker answers.
func Open(ctx context.Context, cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Bus, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	link, err := kafka.Open(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	m, admin := newMetrics(reg), cluster.New(link)
	return &Bus{Admin: admin, Engine: engine.New(link, admin, reg, m.commitSeconds), link: link, metrics: m}, nil
}

// Ping asks whether a broker answers.
func (b *Bus) Ping(ctx context.Context) error {
	if err := b.link.Plain.Ping(ctx); err != nil {
		return fmt.Errorf("ping kafka: %w", err)
	}
	return nil
}

// Close flushes what Append has not finished and disconnects.
func (b *Bus) Close() { b.link.Close() }
