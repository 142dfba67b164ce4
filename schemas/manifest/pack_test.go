package manifest

import (
	"bytes"
	"testing"
	"testing/fstest"

	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// What is packed is the catalogue, whole and nothing beside it.
func TestPack(t *testing.T) {
	t.Parallel()
	m := small(t)
	m[".git/config.yaml"], m["notes.txt"], m["datasets/.GA01.yaml.swp"] = &fstest.MapFile{}, &fstest.MapFile{}, &fstest.MapFile{}
	packed, err := Pack(m)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Pack(small(t))
	if err != nil || !bytes.Equal(packed, again) {
		t.Errorf("the same files give other bytes: %v", err)
	}
	folder, err := Unpack(packed)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := load(t, folder).Version, load(t, small(t)).Version; got != want {
		t.Errorf("unpacked it is %s, want %s", got, want)
	}
	if _, err := Unpack(packed[:len(packed)/2]); err == nil {
		t.Error("half of it unpacks")
	}
	city, err := Pack(yunling.Files())
	if err != nil || len(city) > 120_000 {
		t.Errorf("the sample city is %d bytes, %v", len(city), err)
	}
}
