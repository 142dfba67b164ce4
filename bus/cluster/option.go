package cluster

import (
	"strconv"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// deleteRetention is how long a tombstone stays in a compacted topic. State
// that has not been rolled forward for longer may have missed one.
const deleteRetention = 24 * time.Hour

// timestampType, set to appendTime, makes the broker's clock decide how long a record
// stays, and no source's.
const timestampType = "message.timestamp.type"

var appendTime = "LogAppendTime"

// option is one of a topic's options that may not be otherwise.
type option struct {
	key, value string
	least      bool // more will do, and so will -1
}

// keeping is how a topic must be kept so that nothing goes that somebody still needs.
// A retention by time may be another than the topic was made with: that is its
// operator's, and told by doctor.
func keeping(s contract.Spec) []option {
	out := []option{{key: timestampType, value: appendTime}}
	switch {
	case s.Compact:
		out = append(out, option{key: "cleanup.policy", value: "compact"},
			option{"delete.retention.ms", strconv.FormatInt(deleteRetention.Milliseconds(), 10), true})
		if s.CompactAfter > 0 {
			out = append(out, option{"min.compaction.lag.ms", strconv.FormatInt(s.CompactAfter.Milliseconds(), 10), true})
		}
	case s.Retention < 0:
		out = append(out, option{key: "cleanup.policy", value: "delete"}, option{key: "retention.ms", value: "-1"})
	default:
		out = append(out, option{key: "cleanup.policy", value: "delete"})
	}
	return out
}

// holds reports whether an option that is set to value will do.
func (o option) holds(value string) bool {
	if value == o.value {
		return true
	}
	is, err := strconv.ParseInt(value, 10, 64)
	must, _ := strconv.ParseInt(o.value, 10, 64)
	return o.least && err == nil && (is < 0 || is >= must)
}
