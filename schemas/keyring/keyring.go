// Package keyring turns personal values into tokens and digests that only the
// holder of the city's keys can make: never an unkeyed hash, which a county's
// identity numbers would not survive for a second.
//
// A Keyring holds master keys by version. Every audience and every label gets a
// key of its own, derived from a master key by HKDF, so that what one receiver
// was given cannot be joined with what another was given. The suite is "intl"
// (HMAC-SHA-256) or "gm" (HMAC-SM3); the gm suite is a software implementation
// and no certified cryptographic module.
//
// Tokens name their version ("t2.…") and are made under the current version;
// TokenVersion makes those of another one that the ring holds. Keys are rotated by
// adding a version to the file of every process first, and making it the current
// one after that: whoever meets a token must hold the key it was made with.
// Digests are identities (cache keys, ids of findings) and carry no version:
// they are made under the oldest version in the ring, so adding a version does
// not move them. Taking the oldest version out does, and needs a rebuild of
// whatever is filed under them.
//
// A Keyring is safe for concurrent use and never prints its keys.
package keyring

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/emmansun/gmsm/sm3"
)

// The suites.
const (
	Intl = "intl" // HMAC-SHA-256
	GM   = "gm"   // HMAC-SM3
)

// Sizes, in bytes.
const (
	KeySize    = 32 // of a generated master key and of every derived key
	MinKeySize = 16 // of a master key
	DigestSize = 16 // of a token's body and of a digest
)

// maxDerived bounds the derived keys kept. Audiences and labels come from the
// catalogue; the bound only matters if one ever comes from a request.
const maxDerived = 4096

// ErrKey says that a key, a version or a suite cannot be used.
var ErrKey = errors.New("密钥不可用 / unusable key")

var tokenEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Keyring makes tokens and digests. The zero Keyring has no keys and cannot be used.
type Keyring struct {
	suite   string
	hash    func() hash.Hash
	keys    map[int][]byte
	current int
	oldest  int

	mu      sync.RWMutex
	derived map[derivation]*macs
}

// derivation names a derived key.
type derivation struct {
	version int
	use     string // "token" or "digest"
	label   string
}

// macs hands out HMAC states of one derived key.
type macs struct{ pool sync.Pool }

// mac is an HMAC state with room for its input and output, so that a call
// allocates nothing but what it returns.
type mac struct {
	hmac hash.Hash
	in   []byte
	sum  []byte
}

// New returns a ring of master keys by version, with tokens made under the
// version current. Versions are positive; keys are copied and need MinKeySize
// bytes at least.
func New(suite string, keys map[int][]byte, current int) (*Keyring, error) {
	k := &Keyring{suite: suite, keys: make(map[int][]byte, len(keys)), current: current, derived: map[derivation]*macs{}}
	switch suite {
	case Intl:
		k.hash = sha256.New
	case GM:
		k.hash = sm3.New
	default:
		return nil, fmt.Errorf("open keyring: 算法套件须为 intl 或 gm / suite must be intl or gm: %w", ErrKey)
	}
	for version, key := range keys {
		if version <= 0 {
			return nil, fmt.Errorf("open keyring: 版本号须为正整数 / version %d is not positive: %w", version, ErrKey)
		}
		if len(key) < MinKeySize {
			return nil, fmt.Errorf("open keyring: 第 %d 版密钥过短，至少 %d 字节 / key of version %d is shorter than %d bytes: %w", version, MinKeySize, version, MinKeySize, ErrKey)
		}
		k.keys[version] = slices.Clone(key)
		if k.oldest == 0 || version < k.oldest {
			k.oldest = version
		}
	}
	if _, ok := k.keys[current]; !ok {
		return nil, fmt.Errorf("open keyring: 当前版本 %d 没有密钥 / no key of the current version %d: %w", current, current, ErrKey)
	}
	return k, nil
}

// Suite returns "intl" or "gm".
func (k *Keyring) Suite() string { return k.suite }

// Current returns the version that Token works under.
func (k *Keyring) Current() int { return k.current }

// Oldest returns the oldest version held.
func (k *Keyring) Oldest() int { return k.oldest }

// Fingerprint tells this ring from another one: two rings with the same
// fingerprint make the same tokens and digests. It says nothing of the keys.
func (k *Keyring) Fingerprint() string { return k.fingerprint(k.current) }

// Knows reports whether a fingerprint is of this ring as it is, or as it would be
// with another of its versions current: then it makes the same digests, and can
// make the tokens that the other one made.
func (k *Keyring) Knows(fingerprint string) bool {
	for version := range k.keys {
		if k.fingerprint(version) == fingerprint {
			return true
		}
	}
	return false
}

// SameRing reports whether two fingerprints are of one ring, with one or another
// version current: of rings that make the same digests.
func SameRing(a, b string) bool {
	suite, rest, ok := strings.Cut(a, " ")
	suite2, rest2, ok2 := strings.Cut(b, " ")
	_, digest, ok3 := strings.Cut(rest, " ")
	_, digest2, ok4 := strings.Cut(rest2, " ")
	return ok && ok2 && ok3 && ok4 && suite == suite2 && digest == digest2
}

func (k *Keyring) fingerprint(version int) string {
	const label, enough = "keyring.fingerprint", 8
	token := k.token(version, label, "")
	return k.suite + " " + token[:strings.IndexByte(token, '.')+1+enough] + " " + k.DigestHex(label, "")[:enough]
}

// Versions returns the versions held, oldest first.
func (k *Keyring) Versions() []int {
	versions := make([]int, 0, len(k.keys))
	for v := range k.keys {
		versions = append(versions, v)
	}
	slices.Sort(versions)
	return versions
}

// Token returns the audience's token of value: "t<version>." and 26 letters and
// digits. The same value gives the same token to one audience and unrelated
// tokens to two.
func (k *Keyring) Token(audience, value string) string {
	return k.token(k.current, audience, value)
}

// TokenVersion is Token under an older version, so that what was filed under
// the old tokens can still be found. The error is ErrKey if the ring holds no
// such version.
func (k *Keyring) TokenVersion(version int, audience, value string) (string, error) {
	if _, ok := k.keys[version]; !ok {
		return "", fmt.Errorf("make token of version %d: %w", version, ErrKey)
	}
	return k.token(version, audience, value), nil
}

// Digest returns the 16-byte keyed digest of value under label. It stays the
// same when a version is added.
func (k *Keyring) Digest(label, value string) []byte {
	sum := make([]byte, DigestSize)
	k.mac(derivation{k.oldest, "digest", label}, value, func(full []byte) { copy(sum, full) })
	return sum
}

// DigestHex is Digest in 32 hexadecimal digits.
func (k *Keyring) DigestHex(label, value string) string {
	var text [2 * DigestSize]byte
	k.mac(derivation{k.oldest, "digest", label}, value, func(full []byte) { hex.Encode(text[:], full[:DigestSize]) })
	return string(text[:])
}

// String says which suite and versions the ring has, never a key.
func (k *Keyring) String() string {
	return "keyring " + k.suite + " t" + strconv.Itoa(k.current) + " [redacted]"
}

// GoString implements fmt.GoStringer.
func (k *Keyring) GoString() string { return k.String() }

// Format implements fmt.Formatter.
func (k *Keyring) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(k.String())) }

// LogValue implements slog.LogValuer.
func (k *Keyring) LogValue() slog.Value { return slog.StringValue(k.String()) }

func (k *Keyring) token(version int, audience, value string) string {
	var text [3 + 20 + 26]byte
	out := strconv.AppendInt(append(text[:0], 't'), int64(version), 10)
	out = append(out, '.')
	k.mac(derivation{version, "token", audience}, value, func(full []byte) {
		out = tokenEncoding.AppendEncode(out, full[:DigestSize])
	})
	return string(out)
}

// mac computes the HMAC of value under the derived key and shows it to use,
// which must not keep it.
func (k *Keyring) mac(d derivation, value string, use func(sum []byte)) {
	pool := k.derive(d)
	m := pool.pool.Get().(*mac)
	m.hmac.Reset()
	m.in = append(m.in[:0], value...)
	m.hmac.Write(m.in)
	m.sum = m.hmac.Sum(m.sum[:0])
	use(m.sum)
	clear(m.in) // the value must not linger in a pooled buffer
	pool.pool.Put(m)
}

// derive returns the states of a derived key, deriving it the first time.
func (k *Keyring) derive(d derivation) *macs {
	k.mu.RLock()
	p := k.derived[d]
	k.mu.RUnlock()
	if p != nil {
		return p
	}
	// Use and label are told apart by the NUL: no use contains one.
	key, err := hkdf.Key(k.hash, k.keys[d.version], []byte("yiyuan.keyring"), d.use+"\x00"+d.label, KeySize)
	if err != nil {
		panic("keyring: hkdf refused a 32-byte key: " + err.Error()) // its only limit is 255 digests of output
	}
	p = &macs{pool: sync.Pool{New: func() any { return &mac{hmac: hmac.New(k.hash, key)} }}}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.derived) >= maxDerived {
		clear(k.derived)
	}
	k.derived[d] = p
	return p
}
