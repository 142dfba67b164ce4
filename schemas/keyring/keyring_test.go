package keyring

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emmansun/gmsm/sm3"
)

var (
	first  = []byte("0123456789abcdef0123456789abcdef")
	second = []byte("fedcba9876543210fedcba9876543210")
)

func ring(tb testing.TB, suite string, current int) *Keyring {
	tb.Helper()
	keys := map[int][]byte{1: first}
	if current == 2 {
		keys[2] = second
	}
	k, err := New(suite, keys, current)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// expect computes what a ring must give from the primitives alone.
func expect(t *testing.T, h func() hash.Hash, master []byte, use, label, value string) []byte {
	t.Helper()
	key, err := hkdf.Key(h, master, []byte("yiyuan.keyring"), use+"\x00"+label, 32)
	if err != nil {
		t.Fatal(err)
	}
	m := hmac.New(h, key)
	m.Write([]byte(value))
	return m.Sum(nil)[:16]
}

func TestKnownAnswer(t *testing.T) {
	t.Parallel()
	for suite, h := range map[string]func() hash.Hash{Intl: sha256.New, GM: sm3.New} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			k := ring(t, suite, 2)
			const value = "539902199001011234"
			want := "t2." + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(expect(t, h, second, "token", "RS", value)))
			if got := k.Token("RS", value); got != want {
				t.Errorf("Token = %q, want %q", got, want)
			}
			wantDigest := expect(t, h, first, "digest", "finding", value)
			if got := k.Digest("finding", value); !bytes.Equal(got, wantDigest) {
				t.Errorf("Digest = %x, want %x", got, wantDigest)
			}
			if got, want := k.DigestHex("finding", value), hex.EncodeToString(wantDigest); got != want {
				t.Errorf("DigestHex = %q, want %q", got, want)
			}
		})
	}
}

// TestRecorded holds the derivation still: tokens are filed in topics and by
// receivers, so a change of these lines is a break of the wire.
func TestRecorded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ suite, token, digest string }{
		{Intl, "t1.yldojxm3glmvavyds5rxxffxsm", "caf37cc9a61e574be9eeadb01521b586"},
		{GM, "t1.nklabvqprtkrm7v6oaszebzz4i", "ca2b08909b7824280f7b8163d81d6c93"},
	} {
		k := ring(t, c.suite, 1)
		if got := k.Token("key:person.partial", "539902199001011234"); got != c.token {
			t.Errorf("%s: Token = %q, want %q", c.suite, got, c.token)
		}
		if got := k.DigestHex("redis", "539902199001011234"); got != c.digest {
			t.Errorf("%s: DigestHex = %q, want %q", c.suite, got, c.digest)
		}
	}
}

func TestSeparation(t *testing.T) {
	t.Parallel()
	k := ring(t, Intl, 1)
	seen := map[string]string{}
	for _, label := range []string{"", "RS", "MZ", "RS\x00", "token", "digest"} {
		for _, value := range []string{"", "1", "2"} {
			body := strings.TrimPrefix(k.Token(label, value), "t1.")
			for what, got := range map[string]string{"token": body, "digest": k.DigestHex(label, value)} {
				at := fmt.Sprintf("%s of %q for %q", what, value, label)
				if other, twice := seen[got]; twice {
					t.Errorf("%s equals %s", at, other)
				}
				seen[got] = at
			}
		}
	}
	if k.Token("RS", "1") == ring(t, GM, 1).Token("RS", "1") {
		t.Error("both suites give the same token")
	}
}

// TestRotation: a new version moves tokens, keeps the old ones to be had, and
// leaves digests where they are.
func TestRotation(t *testing.T) {
	t.Parallel()
	before, after := ring(t, Intl, 1), ring(t, Intl, 2)
	old, err := after.TokenVersion(1, "RS", "1")
	if err != nil {
		t.Fatal(err)
	}
	if want := before.Token("RS", "1"); old != want {
		t.Errorf("TokenVersion(1) = %q, want %q", old, want)
	}
	if now := after.Token("RS", "1"); now == old || !strings.HasPrefix(now, "t2.") {
		t.Errorf("Token after rotation = %q", now)
	}
	if _, err := after.TokenVersion(3, "RS", "1"); !errors.Is(err, ErrKey) {
		t.Errorf("TokenVersion(3) error = %v, want ErrKey", err)
	}
	if before.DigestHex("finding", "1") != after.DigestHex("finding", "1") {
		t.Error("adding a version moved a digest")
	}
	if got := fmt.Sprint(after.Versions(), after.Current()) + " " + after.Suite(); got != "[1 2] 2 intl" {
		t.Errorf("versions, current, suite = %s", got)
	}
}

// TestFingerprint: rings that make other tokens or digests have other fingerprints.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	other, err := New(Intl, map[int][]byte{1: bytes.Repeat([]byte{9}, 32)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]*Keyring{"intl": ring(t, Intl, 1), "rotated": ring(t, Intl, 2), "gm": ring(t, GM, 1), "other": other} {
		f := k.Fingerprint()
		if same, ok := seen[f]; ok {
			t.Errorf("%s and %s have the fingerprint %q", name, same, f)
		}
		seen[f] = name
	}
	if a, b := ring(t, Intl, 1).Fingerprint(), ring(t, Intl, 1).Fingerprint(); a != b {
		t.Errorf("one ring has two fingerprints, %q and %q", a, b)
	}
}

// TestKnows: a ring recognises itself with any of its versions current, a ring
// without that version does not, and neither does another ring.
func TestKnows(t *testing.T) {
	t.Parallel()
	make1 := func(keys map[int][]byte, current int) *Keyring {
		k, err := New(Intl, keys, current)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	second, third := bytes.Repeat([]byte{2}, 32), bytes.Repeat([]byte{3}, 32)
	one, added := make1(map[int][]byte{1: first}, 1), make1(map[int][]byte{1: first, 12: second}, 1)
	rotated, forged := make1(map[int][]byte{1: first, 12: second}, 12), make1(map[int][]byte{1: first, 12: third}, 12)
	other := make1(map[int][]byte{1: third}, 1)
	for _, c := range []struct {
		name        string
		who, of     *Keyring
		knows, same bool
	}{
		{"itself", one, one, true, true},
		{"added", one, added, true, true},
		{"before it was added", added, one, true, true},
		{"rotated, lacking the key", one, rotated, false, true},
		{"rotated, holding the key", added, rotated, true, true},
		{"back", rotated, added, true, true},
		{"the same version of another key", forged, rotated, false, true},
		{"another ring", other, one, false, false},
	} {
		if got := c.who.Knows(c.of.Fingerprint()); got != c.knows {
			t.Errorf("%s: Knows = %v", c.name, got)
		}
		if got := SameRing(c.who.Fingerprint(), c.of.Fingerprint()); got != c.same {
			t.Errorf("%s: SameRing = %v", c.name, got)
		}
	}
	for _, text := range []string{"", "intl", "intl t1.x", "t1.x y"} {
		if one.Knows(text) || SameRing(text, text) {
			t.Errorf("%q passes for a fingerprint", text)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		suite   string
		keys    map[int][]byte
		current int
	}{
		"suite":      {"md5", map[int][]byte{1: first}, 1},
		"no keys":    {Intl, nil, 1},
		"no current": {Intl, map[int][]byte{1: first}, 2},
		"short key":  {Intl, map[int][]byte{1: first[:15]}, 1},
		"version 0":  {Intl, map[int][]byte{0: first}, 0},
	} {
		if _, err := New(c.suite, c.keys, c.current); !errors.Is(err, ErrKey) {
			t.Errorf("%s: error = %v, want ErrKey", name, err)
		}
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.yaml")
	made, err := Generate(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v, want 0600", info.Mode(), err)
	}
	loaded, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if made.Token("a", "1") != loaded.Token("a", "1") {
		t.Error("the ring loaded is not the ring generated")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, current := range []string{"1.9", "'1'", "01", "0x1", "null", "+1"} { // another version than people read, or none
		odd := filepath.Join(t.TempDir(), "odd.yaml")
		if err := os.WriteFile(odd, []byte(strings.Replace(string(text), "current: 1", "current: "+current, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(odd); !errors.Is(err, ErrKey) {
			t.Errorf("current: %s: error = %v, want ErrKey", current, err)
		}
	}
	if _, err := Generate(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Generate over a file: error = %v, want ErrExist", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); !errors.Is(err, ErrExposed) {
		t.Errorf("Load of a world-readable file: error = %v, want ErrExposed", err)
	}
}

// TestLoadNeverQuotes: whatever is wrong with a key file, the error must not
// show a key.
// TestRotateFile: a key is added and put to use in the file that everybody reads;
// what the ring would refuse leaves the file as it is.
func TestRotateFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.yaml")
	before, err := Generate(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	added, err := Add(path)
	if err != nil || added.Current() != 1 || !slices.Equal(added.Versions(), []int{1, 2}) || !before.Knows(added.Fingerprint()) {
		t.Fatalf("Add = %v, %v", added, err)
	}
	rotated, err := Use(path, 2)
	if err != nil || rotated.Current() != 2 || before.Knows(rotated.Fingerprint()) || !added.Knows(rotated.Fingerprint()) {
		t.Fatalf("Use = %v, %v", rotated, err)
	}
	loaded, err := Load(path)
	if err != nil || loaded.Fingerprint() != rotated.Fingerprint() {
		t.Errorf("Load = %v, %v", loaded, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Use(path, 3); !errors.Is(err, ErrKey) {
		t.Errorf("Use of a version that is not there = %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, text) {
		t.Errorf("a refused change changed the file: %v", err)
	}
	if _, err := Add(path + ".missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Add to a file that is not there = %v", err)
	}
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestLoadNeverQuotes(t *testing.T) {
	t.Parallel()
	secret := base64.StdEncoding.EncodeToString(first)
	for name, text := range map[string]string{
		"unknown field": "suite: intl\ncurrent: 1\nkeys: {1: " + secret + "}\nextra: " + secret + "\n",
		"wrong type":    "suite: intl\ncurrent: " + secret + "\nkeys: {1: " + secret + "}\n",
		"broken yaml":   "suite: intl\nkeys: {1: " + secret + "\n",
		"keys a list":   "suite: intl\ncurrent: 1\nkeys: [" + secret + "]\n",
		"not base64":    "suite: intl\ncurrent: 1\nkeys: {1: \"" + secret[:20] + "!\"}\n",
		"empty":         "",
	} {
		path := filepath.Join(t.TempDir(), "keys.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if !errors.Is(err, ErrKey) {
			t.Errorf("%s: error = %v, want ErrKey", name, err)
			continue
		}
		if strings.Contains(err.Error(), secret[:12]) {
			t.Errorf("%s: the error shows the key", name)
		}
	}
	json := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(json, []byte(`{"suite":"gm","current":1,"keys":{"1":"`+secret+`"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if k, err := Load(json); err != nil || k.Token("a", "1") != ring(t, GM, 1).Token("a", "1") {
		t.Errorf("Load of JSON: %v, %v", k, err)
	}
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	k := ring(t, Intl, 1)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("ring", "ring", k)
	out := log.String() + fmt.Sprintf("%v %+v %#v %s %q %x", k, k, k, k, k, k)
	for _, secret := range []string{string(first), hex.EncodeToString(first), fmt.Sprint(string(first)), base64.StdEncoding.EncodeToString(first)} {
		if strings.Contains(out, secret) {
			t.Errorf("output shows a key: %s", out)
		}
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	k := ring(t, Intl, 1)
	want := k.Token("a0", "1")
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 3000 {
				k.Digest(fmt.Sprintf("g%d-%d", g, i), "1")
				if got := k.Token("a0", "1"); got != want {
					t.Errorf("Token = %q, want %q", got, want)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(k.derived); n > maxDerived {
		t.Errorf("%d derived keys kept, want at most %d", n, maxDerived)
	}
}

func BenchmarkToken(b *testing.B) {
	for _, suite := range []string{Intl, GM} {
		b.Run(suite, func(b *testing.B) {
			k := ring(b, suite, 1)
			b.ReportAllocs()
			for b.Loop() {
				k.Token("key:person.partial", "539902199001011234")
			}
		})
	}
}
