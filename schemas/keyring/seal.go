package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/emmansun/gmsm/sm4"
)

// sealVector is how many bytes of a sealed value are its initial vector, which is at
// the same time what proves that it is whole.
const sealVector = 16

// Seal returns value so that only the holder of the ring can read it: "k<version>."
// and letters, under the current version. The same value under the same label is sealed
// to the same text, so that a step that does its work again writes the same; two values
// of one length have texts of one length. The suite's own cipher is used, AES-256 or
// SM4, in counter mode with the value's MAC as initial vector (the construction of SIV).
func (k *Keyring) Seal(label, value string) string {
	vector := k.sealMAC(k.current, label, value)
	out := append(vector, value...)
	k.sealStream(k.current, label, vector).XORKeyStream(out[sealVector:], out[sealVector:])
	return "k" + strconv.Itoa(k.current) + "." + base64.RawURLEncoding.EncodeToString(out)
}

// Unseal returns what Seal was given, under whichever version that the ring holds. The
// error is ErrKey for what this ring has not sealed under that label.
func (k *Keyring) Unseal(label, sealed string) (string, error) {
	number, text, ok := strings.Cut(strings.TrimPrefix(sealed, "k"), ".")
	version, err := strconv.Atoi(number)
	if _, held := k.keys[version]; !ok || err != nil || !held || !strings.HasPrefix(sealed, "k") {
		return "", fmt.Errorf("unseal: 不是本密钥环封存的 / not sealed by this ring: %w", ErrKey)
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) < sealVector {
		return "", fmt.Errorf("unseal: 内容不完整 / not whole: %w", ErrKey)
	}
	vector, value := raw[:sealVector:sealVector], raw[sealVector:]
	k.sealStream(version, label, vector).XORKeyStream(value, value)
	if !hmac.Equal(vector, k.sealMAC(version, label, string(value))) {
		return "", fmt.Errorf("unseal: 内容不完整 / not whole: %w", ErrKey)
	}
	return string(value), nil
}

func (k *Keyring) sealMAC(version int, label, value string) []byte {
	sum := make([]byte, sealVector)
	k.mac(derivation{version, "seal", label}, value, func(full []byte) { copy(sum, full) })
	return sum
}

// sealStream is the key stream of a value: of a key of its own, which none of the MACs
// is made with.
func (k *Keyring) sealStream(version int, label string, vector []byte) cipher.Stream {
	size, open := KeySize, aes.NewCipher
	if k.suite == GM {
		size, open = sm4.BlockSize, sm4.NewCipher
	}
	key, err := hkdf.Key(k.hash, k.keys[version], []byte("yiyuan.keyring"), "cipher\x00"+label, size)
	if err != nil {
		panic("keyring: hkdf refused a 32-byte key: " + err.Error()) // its only limit is 255 digests of output
	}
	block, err := open(key)
	if err != nil {
		panic("keyring: the cipher refused a key of its own size: " + err.Error())
	}
	return cipher.NewCTR(block, vector)
}
