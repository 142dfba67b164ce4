package settings

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/listener/listenertest"
)

// TestTrust: a command is told by flag and file what is wrong with its certificates,
// before it asks anybody.
func TestTrust(t *testing.T) {
	t.Parallel()
	authority, dir := listenertest.New(t), t.TempDir()
	put := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		listenertest.Put(t, path, text)
		return path
	}
	ca := put("ca", authority.PEM)
	half := put("half", append(bytes.Clone(authority.PEM), authority.PEM[:200]...))
	cert, key := authority.Client(time.Now().Add(time.Hour), nil, nil).Write(t, t.TempDir())
	ended, endedKey := authority.Client(time.Now().Add(-time.Hour), nil, nil).Write(t, t.TempDir())
	gone := authority.Below(time.Now().Add(-time.Hour))
	for _, c := range []struct {
		trust Trust
		want  []string // none = taken
	}{
		{Trust{}, nil},
		{Trust{CA: ca}, nil},
		{Trust{CA: ca, Cert: cert, Key: key}, nil},
		{Trust{CA: put("both", append(bytes.Clone(gone.PEM), authority.PEM...))}, nil}, // one of two has taken the place of the other
		{Trust{CA: half}, []string{"--ca: ", half, "block 2 "}},
		{Trust{CA: key}, []string{"--ca: ", key, "private key"}},
		{Trust{CA: put("gone", gone.PEM)}, []string{"--ca: ", "expired"}},
		{Trust{Cert: cert}, []string{"--cert", "--cert-key"}},
		{Trust{Cert: cert, Key: endedKey}, []string{"--cert: ", cert, "no pair"}},
		{Trust{Cert: cert, Key: cert}, []string{"--cert-key: ", cert, "no private key"}},
		{Trust{Cert: ended, Key: endedKey}, []string{"--cert: ", ended, "expired"}},
	} {
		asks, err := c.trust.Client()
		if len(c.want) == 0 && (err != nil || asks == nil) {
			t.Errorf("%+v: %v", c.trust, err)
		}
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v, want %q", c.trust, err, want)
			}
		}
	}
}
