// Package cluster looks after what a Kafka cluster keeps of ours: it makes topics and keeps
// them as they must be kept, and tells how topics, groups and transactions stand. It reads
// no data, and of what it writes only a fence is a record.
package cluster

import (
	"errors"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
)

// Admin looks after topics. Topic names are without the prefix.
type Admin struct{ link *kafka.Link }

// New returns who looks after the topics of a cluster.
func New(link *kafka.Link) *Admin { return &Admin{link} }

// ErrNoTopic says that a topic does not exist.
var ErrNoTopic = errors.New("no such topic")
