package e2e

import (
	"encoding/base64"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// Key is the master key of the tests' key ring, NextKey the one it is rotated to.
var (
	Key     = []byte("a key of the tests, 32 bytes long")
	NextKey = []byte("the key that comes after, 32 bytes")
)

// Keys is the key ring of the tests.
func Keys(t testing.TB) *keyring.Keyring {
	t.Helper()
	keys, err := keyring.New(keyring.Intl, map[int][]byte{1: Key}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// KeyFile writes the key ring of the tests.
func KeyFile(t testing.TB, dir string) string {
	t.Helper()
	return RingFile(t, dir, 1, Key)
}

// RingFile writes the key file of a ring of keys, the first of which has version 1.
func RingFile(t testing.TB, dir string, current int, keys ...[]byte) string {
	t.Helper()
	byVersion := map[int]string{}
	for i, key := range keys {
		byVersion[i+1] = base64.StdEncoding.EncodeToString(key)
	}
	return Write(t, map[string]any{"suite": "intl", "current": current, "keys": byVersion}, dir, "keys.yaml")
}
