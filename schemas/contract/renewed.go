package contract

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

const renewed = "renewed/"

// Renewed is what the topic Bus holds under a RenewedKey: of all that the step keeps in
// the partition it has published what the catalogue of that period makes of it, in the
// transaction of this record at the latest. Until then a view that the catalogue added or
// changed is not whole: what is not there may only not have come yet.
type Renewed struct {
	Catalogue string `json:"catalogue"`
}

// RenewedKey is the key of the Renewed of a partition of a step.
func RenewedKey(step string, partition int32) string {
	return renewed + step + "/" + strconv.Itoa(int(partition))
}

// Renewal is a Renewed with what its key says.
type Renewal struct {
	Step      string
	Partition int32
	Renewed
}

// ParseRenewed reads a record of the topic Bus; ok is false where it says something else.
func ParseRenewed(key, value []byte) (r Renewal, ok bool, err error) {
	rest, ours := strings.CutPrefix(string(key), renewed)
	at := strings.LastIndexByte(rest, '/')
	if !ours || at < 0 {
		return Renewal{}, false, nil
	}
	n, err := strconv.ParseInt(rest[at+1:], 10, 32)
	if err != nil || n < 0 {
		return Renewal{}, false, nil //nolint:nilerr // another key that begins alike
	}
	r = Renewal{Step: rest[:at], Partition: int32(n)}
	if err := json.Unmarshal(value, &r.Renewed); err != nil {
		return Renewal{}, false, fmt.Errorf("read what step %q has published again: %w", r.Step, err)
	}
	return r, true, nil
}
