package processors_test

import (
	"testing"

	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// TestEdition: an edition of another revision of the code is not of the same
// catalogue; the key that an edition names is the one it was made with; before
// keys were ever rotated an edition is the catalogue's version alone, as all that
// was stored by builds that could not rotate.
func TestEdition(t *testing.T) {
	keys := map[int][]byte{3: make([]byte, 32), 7: []byte("another key of thirty-two bytes."), 12: []byte("yet another one of thirty-two b.")}
	want := map[int]string{3: "0123456789ab~4", 7: "0123456789ab~4#7", 12: "0123456789ab~4#12"}
	for current, text := range want {
		ring, err := keyring.New(keyring.Intl, keys, current)
		if err != nil {
			t.Fatal(err)
		}
		e := processors.Edition("0123456789ab", ring)
		if string(e) != text {
			t.Errorf("Edition under key %d = %q, want %q", current, e, text)
		}
		if !processors.SameCatalogue(e, []byte("0123456789ab~4")) || processors.SameCatalogue(e, []byte("0123456789ab")) || processors.SameCatalogue(e, []byte("0123456789~4")) {
			t.Errorf("SameCatalogue of %q", e)
		}
		if n := processors.KeyVersion(e, ring); n != current {
			t.Errorf("KeyVersion(%q) = %d, want %d", e, n, current)
		}
	}
}
