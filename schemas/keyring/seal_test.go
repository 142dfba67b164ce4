package keyring_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// What a ring seals it reads again, also after a rotation; nobody else does, nor under
// another label, nor if a bit of it was changed. Nothing of the value stands in the text.
func TestSeal(t *testing.T) {
	t.Parallel()
	one, two := []byte(strings.Repeat("a", 32)), []byte(strings.Repeat("b", 32))
	ring := func(suite string, current int, keys map[int][]byte) *keyring.Keyring {
		t.Helper()
		k, err := keyring.New(suite, keys, current)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	const value = "539902198503120013|R0"
	for _, suite := range []string{keyring.Intl, keyring.GM} {
		before := ring(suite, 1, map[int][]byte{1: one})
		after := ring(suite, 2, map[int][]byte{1: one, 2: two})
		sealed := before.Seal("row:GA01", value)
		if again := before.Seal("row:GA01", value); again != sealed {
			t.Errorf("%s: sealed to %s, and then to %s", suite, sealed, again)
		}
		if strings.Contains(sealed, "5399") || sealed == before.Seal("row:GA02", value) || sealed == after.Seal("row:GA01", value) {
			t.Errorf("%s: %s", suite, sealed)
		}
		for _, k := range []*keyring.Keyring{before, after} {
			if got, err := k.Unseal("row:GA01", sealed); err != nil || got != value {
				t.Errorf("%s: Unseal = %q, %v", suite, got, err)
			}
		}
		if got, err := after.Unseal("row:GA01", after.Seal("row:GA01", "")); err != nil || got != "" {
			t.Errorf("%s: nothing is sealed to %q, %v", suite, got, err)
		}
		foreign := ring(suite, 1, map[int][]byte{1: two})
		for what, bad := range map[string]func() (string, error){
			"another ring":    func() (string, error) { return foreign.Unseal("row:GA01", sealed) },
			"another label":   func() (string, error) { return before.Unseal("row:GA02", sealed) },
			"another version": func() (string, error) { return before.Unseal("row:GA01", after.Seal("row:GA01", value)) },
			"a changed bit":   func() (string, error) { return before.Unseal("row:GA01", sealed[:len(sealed)-3]+"AAA") },
			"cut off":         func() (string, error) { return before.Unseal("row:GA01", sealed[:9]) },
			"no version":      func() (string, error) { return before.Unseal("row:GA01", sealed[1:]) },
			"no text":         func() (string, error) { return before.Unseal("row:GA01", "") },
		} {
			if got, err := bad(); !errors.Is(err, keyring.ErrKey) || strings.Contains(err.Error(), "5399") {
				t.Errorf("%s, %s: Unseal = %q, %v", suite, what, got, err)
			}
		}
	}
}

// A second program, from the description alone, reads what is sealed.
func TestSealIsAsDescribed(t *testing.T) {
	t.Parallel()
	master := []byte(strings.Repeat("k", 32))
	k, err := keyring.New(keyring.Intl, map[int][]byte{3: master}, 3)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(k.Seal("l", "R0042"), "k3."))
	if err != nil {
		t.Fatal(err)
	}
	derived := func(use string) []byte {
		key, err := hkdf.Key(sha256.New, master, []byte("yiyuan.keyring"), use+"\x00l", 32)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	block, err := aes.NewCipher(derived("cipher"))
	if err != nil {
		t.Fatal(err)
	}
	clear := make([]byte, len(raw)-16)
	cipher.NewCTR(block, raw[:16]).XORKeyStream(clear, raw[16:])
	sum := hmac.New(sha256.New, derived("seal"))
	sum.Write(clear)
	if string(clear) != "R0042" || !hmac.Equal(sum.Sum(nil)[:16], raw[:16]) {
		t.Errorf("read as %q", clear)
	}
}
