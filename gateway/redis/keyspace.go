package redis

import (
	"encoding/hex"
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

// evictedKey is where a generation keeps how many keys its server had thrown
// away when the generation began: "{run id} {count}".
func (k *keyspace) evictedKey() string { return k.prefix + "!" }
