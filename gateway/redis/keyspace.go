package redis

import (
	"encoding/hex"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// keyspace makes every key of one generation. Nothing a caller typed ever
// becomes part of a key: views come from the catalogue, records are named by
// a keyed digest.
type keyspace struct {
	generation store.Generation
	prefix     string                 // y:{generation}:
	begun      atomic.Pointer[string] // what is kept under evictedKey, nil = not read yet
}

func newKeyspace(prefix string, g store.Generation) *keyspace {
	return &keyspace{generation: g, prefix: prefix + ":" + string(g) + ":"}
}

// record returns y:{generation}:{view}:{hex digest}.
func (k *keyspace) record(view string, d store.Digest) string {
	var room [160]byte
	b := append(append(append(room[:0], k.prefix...), view...), ':')
	return string(hex.AppendEncode(b, d[:]))
}

// marks returns the hash of the view's positions and counts.
func (k *keyspace) marks(view string) string { return k.prefix + view + ":#" }

// ready returns the key that exists while the view is complete.
func (k *keyspace) ready(view string) string { return k.prefix + view + ":@" }

// withheld returns the key that says how many records of the view are withheld; it exists
// while one is.
func (k *keyspace) withheld(view string) string { return k.prefix + view + ":?" }

// used returns the key that is there while somebody uses the view.
func (k *keyspace) used(view string) string { return k.prefix + view + ":u" }

// evictedKey is where a generation keeps how many keys its server had thrown
// away when the generation began: "{run id} {count}".
func (k *keyspace) evictedKey() string { return k.prefix + "!" }

// spaceName names a space, all that a generation keeps of one view.
type spaceName struct {
	generation store.Generation
	view       string
}

var ofGeneration = regexp.MustCompile(`^g[0-9a-z]+\.[0-9a-z]+\.[0-9a-f]{10}$`)

// spaceOf returns the space that a key is of, and whether it is one of its records. What
// has not exactly the form of a key of ours, such as one of a city whose prefix begins
// with ours, is nobody's.
func spaceOf(prefix, key string) (name spaceName, record, ok bool) {
	rest, ours := strings.CutPrefix(key, prefix+":")
	generation, rest, _ := strings.Cut(rest, ":")
	view, tail, whole := strings.Cut(rest, ":")
	if !ours || !whole || view == "" || !ofGeneration.MatchString(generation) {
		return spaceName{}, false, false
	}
	name = spaceName{store.Generation(generation), view}
	switch tail {
	case "#", "@", "?":
		return name, false, true
	}
	var d store.Digest
	n, err := hex.Decode(d[:], []byte(tail[:min(len(tail), 2*len(d))]))
	return name, true, err == nil && n == len(d) && len(tail) == 2*len(d)
}
