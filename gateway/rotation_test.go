package gateway_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// TestKeyRotated moves a person's record from the token of one key to that of
// another: he is found under the old one, never denied while he is gone from there
// and not yet here, found under the new one whatever comes late of the old one, and
// not there once he is deleted.
func TestKeyRotated(t *testing.T) {
	w := start(t)
	old := w.keys
	ask := func() *reply { return w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT") }
	w.person(1, "张**")
	w.ready()
	eventually(t, "he is found", func() bool { return ask().status == http.StatusOK }) // the next one answers by this cache at once
	w.stop()
	var err error
	w.keys, err = keyring.New("intl", map[int][]byte{1: bytes.Repeat([]byte{7}, 32), 2: bytes.Repeat([]byte{8}, 32)}, 2)
	must(t, err)
	w.serve()
	w.ready()
	if r := ask(); r.status != http.StatusOK || r.body["version"] != "0000000000000001" {
		t.Fatalf("under the old token: %d %s", r.status, r.text)
	}
	under := func(keys *keyring.Keyring, r bus.Record) bus.Record {
		r.Key = []byte(keys.Token("key:person.partial", zhang))
		return r
	}
	record := func(version uint64) bus.Record {
		return w.shared("person.partial", zhang, version, map[string]schemas.Value{"GMSFHM": schemas.Text("539902************"), "XM": schemas.Text("张**")})
	}
	gone := under(old, w.shared("person.partial", zhang, 2, nil))
	gone.Headers = append(gone.Headers, bus.Header{Key: "moved", Value: []byte(w.keys.Token("key:person.partial", zhang))})
	w.publish(nil, gone)
	eventually(t, "he is on his way", func() bool {
		r := ask()
		if r.status == http.StatusNotFound {
			t.Fatalf("denied while his record is on its way: %s", r.text)
		}
		return r.status == http.StatusServiceUnavailable && r.code() == "YIYUAN-5031"
	})
	batch := `{"view":"person.partial","keys":["` + li + `","` + zhang + `"]}`
	if r := w.do(http.MethodPost, "/v1/lookup", "key-RS-GLJT", "GLJT", batch); r.status != http.StatusServiceUnavailable {
		t.Errorf("batch with one on his way: %d %s", r.status, r.text)
	}
	w.publish(nil, under(w.keys, record(2)))
	eventually(t, "he is found under the new token", func() bool {
		r := ask()
		return r.status == http.StatusOK && r.body["version"] == "0000000000000002"
	})
	if r := w.do(http.MethodPost, "/v1/lookup", "key-RS-GLJT", "GLJT", batch); r.status != http.StatusOK || strings.Count(r.text, `"found":true`) != 1 {
		t.Errorf("batch: %d %s", r.status, r.text)
	}
	w.publish(nil, under(w.keys, w.shared("person.partial", zhang, 3, nil)))
	eventually(t, "he is gone", func() bool { return ask().status == http.StatusNotFound })

	// Back under the old key: the deletion under the new one is older.
	w.publish(nil, under(old, record(4)))
	eventually(t, "he is found again", func() bool {
		r := ask()
		return r.status == http.StatusOK && r.body["version"] == "0000000000000004"
	})
}
