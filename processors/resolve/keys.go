package resolve

import (
	"bytes"
	"encoding/binary"
)

// The first byte of a state key says what it holds. An entity's head stands
// right before the claims of its dossier, its key being their prefix, so that
// one seek finds all of it; aggregated claims, which may be very many, do not
// stand between.
const (
	prefixDossier    = 'e' // an entity's head; with a claim's name behind it, that claim
	prefixAggregated = 'a' // a claim that is only counted or summed
)

const (
	prefixComplete = 'm' // what is known of completions; the whole key
	prefixAwaiting = 'q' // a dataset, NUL and an entity of which a case waits for it
)

// appendEntity appends the prefix of all state keys of a kind about an entity.
// The length in front keeps one entity's keys from being another's prefix.
func appendEntity(dst []byte, kind byte, entity string) []byte {
	return appendText(append(dst, kind), entity)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// isControl reports whether a state key, or a timer's, is about no entity.
func isControl(key []byte, timer bool) bool {
	return timer && len(key) > 0 && key[0] == 0 || !timer && len(key) == 1 && key[0] == prefixComplete
}

// awaitingTimer is the key of the timer that goes through the index of a dataset.
func awaitingTimer(dataset string) []byte { return append([]byte{0}, dataset...) }

func appendAwaiting(dst []byte, dataset string) []byte {
	return append(append(append(dst, prefixAwaiting), dataset...), 0)
}

// home is the entity that a state key is about: the kind, then the entity with
// its length in front. Timers bear its name, and so does the index of who waits. nil
// is what is about none.
func home(key []byte, timer bool) []byte {
	switch {
	case len(key) == 0 || isControl(key, timer):
		return nil
	case timer:
		return key
	case key[0] == prefixAwaiting:
		_, entity, _ := bytes.Cut(key, zero)
		return entity
	}
	n, used := binary.Uvarint(key[1:])
	if used <= 0 || n > uint64(len(key)-1-used) {
		return nil
	}
	return key[1+used : 1+used+int(n)]
}

var zero = []byte{0}
