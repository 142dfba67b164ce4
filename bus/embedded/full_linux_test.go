package embedded_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// On a full disk nothing is acknowledged that is not on it: no record, and no offsets
// of a group, which the broker would only have remembered in memory. Its memory is then
// ahead of its folder, so that nothing after it is acknowledged either.
func TestFullDiskAcknowledgesNothing(t *testing.T) {
	for what, fill := range map[string]func(t *testing.T, k bustest.Kafka, dir string){
		"records": func(t *testing.T, k bustest.Kafka, dir string) {
			full := filepath.Join(dir, "partitions", k.Prefix+"quarantine-0")
			must(t, os.MkdirAll(full, 0o700))
			must(t, os.Symlink("/dev/full", filepath.Join(full, "0.dat")))
		},
		"offsets": func(t *testing.T, _ bustest.Kafka, dir string) {
			at := filepath.Join(dir, "groups.log")
			must(t, os.Remove(at)) // the broker opens it when it has something to write
			must(t, os.Symlink("/dev/full", at))
			t.Cleanup(func() { _ = os.Remove(at) }) // the broker that ends reads it, and it has no end
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir, d := t.TempDir(), &disk{holds: map[string]int64{}}
				k := bustest.OnDisk(t, dir, d.sync)
				b := k.Open(t, nil)
				must(t, b.Ensure(t.Context(), contract.Spec{Topic: contract.Audit, Partitions: 1}, contract.Spec{Topic: contract.Quarantine, Partitions: 1}))
				must(t, b.Append(t.Context(), bus.Record{Topic: contract.Audit, Value: []byte("kept")}))
				fill(t, k, dir)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				if what == "records" {
					if err := b.Append(ctx, bus.Record{Topic: contract.Quarantine, Value: []byte("lost")}); err == nil {
						t.Error("a record was acknowledged by a broker whose disk is full")
					}
				} else {
					_ = b.Follow(ctx, bus.FollowConfig{Topics: []contract.Topic{contract.Audit}, Group: "g"}, func(context.Context, []bus.Record) error { return nil })
					short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					defer cancel()
					if at, err := b.Committed(short, "g"); err == nil {
						t.Errorf("offsets that are not on the disk are told: %v", at)
					}
				}
				after, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				if err := b.Append(after, bus.Record{Topic: contract.Audit, Value: []byte("after")}); err == nil {
					t.Error("a broker whose memory is ahead of its folder goes on")
				}
				select {
				case <-k.Broker.Lost():
				default:
					t.Error("who has the broker is not told")
				}
				if err := k.Broker.Err(); !errors.Is(err, embedded.ErrDisk) {
					t.Errorf("it says %v, want %v", err, embedded.ErrDisk)
				}
			})
		})
	}
}
