package contract_test

import (
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestParseRenewed: what a step says is read back, what others say under keys of the topic
// is none of it, and what cannot be read is told.
func TestParseRenewed(t *testing.T) {
	t.Parallel()
	r, ok, err := contract.ParseRenewed([]byte(contract.RenewedKey("resolve.person", 11)), []byte(`{"catalogue":"c@2"}`))
	if want := (contract.Renewal{Step: "resolve.person", Partition: 11, Renewed: contract.Renewed{Catalogue: "c@2"}}); !ok || err != nil || r != want {
		t.Errorf("read back: %+v, %v, %v", r, ok, err)
	}
	for _, key := range []string{"", "catalogue", "renewed/", "renewed/route", "renewed/route/x", "renewed/route/-1", "renewed/route/4294967296"} {
		if r, ok, err := contract.ParseRenewed([]byte(key), []byte(`{"catalogue":"c"}`)); ok || err != nil {
			t.Errorf("%q: %+v, %v, %v", key, r, ok, err)
		}
	}
	if r, ok, err := contract.ParseRenewed([]byte("renewed/route/0"), []byte("c")); ok || err == nil {
		t.Errorf("no JSON: %+v, %v, %v", r, ok, err)
	}
}
