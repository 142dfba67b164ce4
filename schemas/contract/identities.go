package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// IdentitiesKey is the key of the Identities in the topic Bus.
const IdentitiesKey = "topics"

// Identities are the ids, in hexadecimal, that the brokers gave the bus's topics, as the
// processes that started last found them. One that was deleted and made again has another:
// what stood in it is gone.
type Identities map[Topic]string

// ParseIdentities reads what the topic Bus holds under IdentitiesKey.
func ParseIdentities(value []byte) (Identities, error) {
	var all Identities
	if err := json.Unmarshal(value, &all); err != nil {
		return nil, fmt.Errorf("read the identities of topics: %w", err)
	}
	return all, nil
}

// Lost returns the topics, sorted, that there were and that are not there, or are others now.
func (i Identities) Lost(now Identities) []Topic {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(i)), func(t Topic) bool { return now[t] == i[t] })
}

// Republished reports whether the steps can say again what stood in a topic.
func (t Topic) Republished() bool {
	family, _ := t.Family()
	return t == Findings || t == Refused || slices.Contains([]string{FamilyShared, FamilyResolved, FamilyClaims}, family)
}
