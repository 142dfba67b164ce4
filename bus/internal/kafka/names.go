package kafka

import (
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Name is what Kafka calls a topic: with the prefix in front.
func (l *Link) Name(t contract.Topic) string { return l.Config.Prefix + string(t) }

// Names is Name of many.
func (l *Link) Names(topics []contract.Topic) []string {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = l.Name(t)
	}
	return names
}

// Topic is the topic that Kafka calls so.
func (l *Link) Topic(name string) contract.Topic {
	return contract.Topic(strings.TrimPrefix(name, l.Config.Prefix))
}
