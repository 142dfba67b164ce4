package main

import (
	"bytes"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// Processes with different keys that come to a new bus at the same time agree
// whose it is: those of one ring go on, all others are refused, whatever their
// role, and so is who comes later with another ring or another current version.
func TestOneRingForAll(t *testing.T) {
	broker, err := embedded.Start(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	ring := func(seed byte, versions, current int) *keyring.Keyring {
		keys := map[int][]byte{}
		for v := 1; v <= versions; v++ {
			keys[v] = bytes.Repeat([]byte{seed, byte(v)}, keyring.KeySize/2)
		}
		k, err := keyring.New(keyring.Intl, keys, current)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	come := func(keys *keyring.Keyring) error {
		cfg := defaultConfig()
		cfg.Bus.Brokers, cfg.Keys.File = broker.Addrs(), "keys.yaml"
		a, err := newApp(t.Context(), cfg, keys, slog.New(slog.DiscardHandler))
		if err == nil {
			a.close()
		}
		return err
	}
	const rings, each = 3, 2
	var came [rings][each]error
	var all sync.WaitGroup
	for r := range rings {
		for i := range each {
			all.Go(func() { came[r][i] = come(ring(byte(r+1), 1, 1)) })
		}
	}
	all.Wait()
	owner := 0
	for r := range came {
		taken := 0
		for _, err := range came[r] {
			if err == nil {
				taken++
			} else if !errors.Is(err, bus.ErrConfig) {
				t.Errorf("ring %d: %v, want ErrConfig", r+1, err)
			}
		}
		switch {
		case taken == each && owner == 0:
			owner = r + 1
		case taken > 0:
			t.Errorf("ring %d was taken %d times of %d, ring %d before", r+1, taken, each, owner)
		}
	}
	if owner == 0 {
		t.Fatal("no ring was taken")
	}
	if err := come(ring(byte(owner), 2, 1)); err != nil {
		t.Errorf("the same ring with a further version: %v", err)
	}
	for what, keys := range map[string]*keyring.Keyring{"another ring": ring(9, 1, 1), "another current version": ring(byte(owner), 2, 2)} {
		if err := come(keys); !errors.Is(err, bus.ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", what, err)
		}
	}
}
