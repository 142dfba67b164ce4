package settings

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestSecretFiles: a secret is what stands in its file; what an editor added that nobody
// sees is refused, since nobody who sends the secret would send that.
func TestSecretFiles(t *testing.T) {
	t.Parallel()
	const key = "a-secret-of-some-length"
	file := filepath.Join(t.TempDir(), "secret")
	for text, want := range map[string]error{
		key: nil, key + "\r\n": nil, "\ufeff" + key: errNoText, "a\x00-\x00s\x00e\x00c\x00r\x00e\x00t\x00-\x00o\x00f\x00": errNoText, "\xff\xfe" + key: errNoText,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := SecretFile(file)
		if !errors.Is(err, want) || want == nil && got != key {
			t.Errorf("a bearer key of %q: %q, %v, want %v", text, got, err, want)
		}
		if got, err = secret("file:" + file); !errors.Is(err, want) || want == nil && got != key {
			t.Errorf("a password of %q: %q, %v, want %v", text, got, err, want)
		}
	}
	if _, err := ParseSecret([]byte("short")); !errors.Is(err, errShortSecret) {
		t.Errorf("a short one: %v", err)
	}
}
