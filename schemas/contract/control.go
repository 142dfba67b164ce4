package contract

import (
	"bytes"
	"strconv"
)

// ControlHeader is the header of records of raw.* and claims.* that are no data: they say
// something to the steps behind, in the order of the topic. Their value is null, and
// their key begins with a NUL, which no row's key does, so that a foreign reader takes
// them for the deletion of something it never had. The first word of the header's value
// is the kind of record.
const ControlHeader = "ctl"

// ControlComplete is the kind that says a first complete copy of a dataset lies before
// it in the partition: see Completion.
const ControlComplete = "complete"

// Completion says that a first complete copy of a dataset has been published: all that
// lies in one partition of its raw topic stands before this record. Only with those of
// all partitions is the copy complete.
type Completion struct {
	Dataset   string
	Partition int // of the raw topic
	Of        int // partitions of the raw topic
}

// maxPartitions bounds what ParseCompletion takes for a number of partitions.
const maxPartitions = 1 << 16

// Append writes the value of ControlHeader.
func (c Completion) Append(dst []byte) []byte {
	dst = append(append(append(dst, ControlComplete...), ' '), c.Dataset...)
	dst = strconv.AppendInt(append(dst, ' '), int64(c.Partition), 10)
	return strconv.AppendInt(append(dst, '/'), int64(c.Of), 10)
}

// Key is the key of the record.
func (c Completion) Key() []byte {
	return strconv.AppendInt(append(append([]byte("\x00"+ControlComplete+"\x00"), c.Dataset...), 0), int64(c.Partition), 10)
}

// ParseCompletion reads what Append wrote.
func ParseCompletion(value []byte) (Completion, bool) {
	words := bytes.Split(value, []byte{' '})
	if len(words) != 3 || string(words[0]) != ControlComplete || len(words[1]) == 0 {
		return Completion{}, false
	}
	at, of, ok := bytes.Cut(words[2], []byte{'/'})
	partition, err := strconv.Atoi(string(at))
	n, err2 := strconv.Atoi(string(of))
	if !ok || err != nil || err2 != nil || partition < 0 || partition >= n || n > maxPartitions {
		return Completion{}, false
	}
	return Completion{string(words[1]), partition, n}, true
}
