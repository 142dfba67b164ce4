package gateway_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/fill"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// named is Zhang under a name.
func (w *world) named(version uint64, name string) bus.Record {
	w.t.Helper()
	return w.shared("person.partial", zhang, version, map[string]schemas.Value{"XM": schemas.Text(name)})
}

func (w *world) shows(name string) func() bool {
	return func() bool {
		r := w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT")
		data, _ := r.body["data"].(map[string]any)
		return r.status == http.StatusOK && data["XM"] == name
	}
}

func TestEmptiedCacheIsNotLoadedAndRecovers(t *testing.T) {
	w := start(t)
	w.publish(nil, w.named(1, "张**"))
	w.ready()
	eventually(t, "the record is there", w.shows("张**"))
	must(t, w.raw.FlushDB(t.Context()).Err())
	seen := map[int]bool{}
	eventually(t, "the record is there again", func() bool {
		r := w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT")
		seen[r.status] = true
		if r.status == http.StatusNotFound {
			t.Fatal("an emptied cache was taken for nobody")
		}
		if r.status == http.StatusServiceUnavailable && (r.code() != "YIYUAN-5031" || r.header.Get("Retry-After") == "") {
			t.Fatalf("answered %s", r.text)
		}
		return r.status == http.StatusOK
	})
	if !seen[http.StatusServiceUnavailable] {
		t.Error("never answered 503")
	}
	// What is not there is not there again only when all is loaded.
	eventually(t, "absence is known", func() bool {
		return w.get("/v1/lookup/person.partial/"+li, "key-RS-GLJT", "GLJT").status == http.StatusNotFound
	})
	w.publish(nil, w.named(2, "章**"))
	eventually(t, "changes go on", w.shows("章**"))
}

func TestNothingComesBack(t *testing.T) {
	w := start(t)
	w.ready()
	w.publish(nil, w.named(5, "五**"))
	eventually(t, "version 5", w.shows("五**"))
	// A late older write, then one of another record to know that it was read.
	marker := func(version uint64) bus.Record {
		return w.shared("person.partial", li, version, map[string]schemas.Value{"XM": schemas.Text(fmt.Sprint("标", version))})
	}
	readTo := func(version uint64) {
		eventually(t, "the marker is read", func() bool {
			r := w.get("/v1/lookup/person.partial/"+li, "key-RS-GLJT", "GLJT")
			data, _ := r.body["data"].(map[string]any)
			return data["XM"] == fmt.Sprint("标", version)
		})
	}
	same := func(r bus.Record, partition int32) bus.Record { r.Partition = partition; return r }
	w.publish(nil, same(w.named(4, "四**"), 0), same(marker(1), 0))
	readTo(1)
	if !w.shows("五**")() {
		t.Error("an older record replaced a newer one")
	}
	w.publish(nil, same(w.shared("person.partial", zhang, 6, nil), 0), same(marker(2), 0))
	readTo(2)
	w.publish(nil, same(w.named(5, "五**"), 0), same(marker(3), 0))
	readTo(3)
	if r := w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT"); r.status != http.StatusNotFound {
		t.Errorf("a deleted record is back: %d", r.status)
	}
}

func TestRestartResumesFromTheCache(t *testing.T) {
	w := start(t)
	w.publish(nil, w.named(1, "张**"))
	w.ready()
	eventually(t, "the record is there", w.shows("张**"))
	g, err := w.cache.Current(t.Context())
	must(t, err)
	w.stop()
	w.publish(nil, w.named(2, "章**"))
	w.serve()
	eventually(t, "the change meanwhile is there", w.shows("章**"))
	again, err := w.cache.Current(t.Context())
	must(t, err)
	if again != g {
		t.Errorf("the restart filled generation %s anew, had %s", again, g)
	}
	if strings.Contains(w.logs.String(), "lost") {
		t.Error("the restart took the cache for lost")
	}
}

func TestRebuild(t *testing.T) {
	w := start(t)
	w.publish(nil, w.named(1, "张**"))
	w.ready()
	eventually(t, "the record is there", w.shows("张**"))
	before, err := w.cache.Current(t.Context())
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- w.gateway.Rebuild(t.Context()) }()
	for {
		// Lookups go on; writes too.
		if r := w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT"); r.status != http.StatusOK {
			t.Fatalf("answered %d during the rebuild: %s", r.status, r.text)
		}
		now, err := w.cache.Current(t.Context())
		must(t, err)
		if now != before {
			break
		}
		select {
		case err := <-done:
			t.Fatalf("rebuilding ended, generation %s is still current: %v", before, err)
		default:
			waitABit()
		}
	}
	w.publish(nil, w.named(2, "章**"))
	eventually(t, "the new generation moves on", w.shows("章**"))
	must(t, <-done)
	keys, err := w.raw.Keys(t.Context(), "y:"+string(before)+":*").Result()
	must(t, err)
	if len(keys) > 0 {
		t.Errorf("%d keys of the old generation are left", len(keys))
	}
}

func TestRebuildRefusesFewerRecords(t *testing.T) {
	w := start(t)
	w.publish(nil, w.named(1, "张**"))
	w.ready()
	eventually(t, "the record is there", w.shows("张**"))
	g, err := w.cache.Current(t.Context())
	must(t, err)
	// The old generation claims to hold more than the topics do.
	must(t, w.raw.HIncrBy(t.Context(), "y:"+string(g)+":person.partial:#", "live", 10).Err())
	if err := w.gateway.Rebuild(t.Context()); !errors.Is(err, fill.ErrCount) {
		t.Errorf("rebuild: %v, want ErrCount", err)
	}
	if now, err := w.cache.Current(t.Context()); err != nil || now != g {
		t.Errorf("generation %s is current, want %s (%v)", now, g, err)
	}
}

// TestPoison puts records no step writes into a shared topic.
func TestPoison(t *testing.T) {
	w := start(t)
	bad := w.named(9, "坏**")
	bad.Headers = nil
	worse := w.named(9, "坏**")
	worse.Headers[0].Value = []byte("not a number")
	cut := w.named(3, "断**")
	cut.Value = cut.Value[:len(cut.Value)-3]
	other := w.shared("person.partial", li, 1, map[string]schemas.Value{"XM": schemas.Text("李**")})
	w.publish(nil, bad, worse, cut, other)
	w.ready()
	eventually(t, "its neighbour is there", func() bool {
		return w.get("/v1/lookup/person.partial/"+li, "key-RS-GLJT", "GLJT").status == http.StatusOK
	})
	// The cut record is told apart from an absent one and from a good one.
	r := w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT")
	if r.status != http.StatusServiceUnavailable || r.code() != "YIYUAN-5033" {
		t.Errorf("a cut record was answered by %d %s", r.status, r.code())
	}
	w.publish(nil, w.named(10, "好**"))
	eventually(t, "a good record mends it", w.shows("好**"))
}

// TestCanary looks for a person in everything that Redis and the logs hold.
func TestCanary(t *testing.T) {
	w := start(t)
	w.publish(nil, w.named(1, "张**"), w.verifiable("person.verify", zhang, 1, map[string]string{"GMSFHM": zhang, "XM": "张三丰", "CSRQ": "1985-03-12"}))
	w.ready()
	eventually(t, "the record is there", w.shows("张**"))
	w.get("/v1/lookup/person.partial/"+zhang, "guess-"+zhang, "GLJT")
	w.get("/v1/lookup/person.partial/"+zhang+"?fields="+zhang, "key-RS-GLJT", zhang)
	w.get("/v1/lookup/"+zhang+"/"+zhang, "key-RS-GLJT", "GLJT")
	w.post("/v1/verify", "key-RS-GLJT", "GLJT", map[string]any{"view": "person.verify", "key": zhang, "fields": map[string]string{"XM": "张三丰", zhang: "x"}})
	w.post("/v1/lookup", "key-RS-GLJT", "GLJT", map[string]any{"view": zhang, "keys": []string{zhang}, "fields": []string{zhang}})
	canaries := []string{zhang, "张三丰"}
	keys, err := w.raw.Keys(t.Context(), "*").Result()
	must(t, err)
	var dump strings.Builder
	for _, k := range keys {
		dump.WriteString(k)
		if value, err := w.raw.Get(t.Context(), k).Result(); err == nil {
			dump.WriteString(value)
		}
	}
	families, err := w.gather.Gather()
	must(t, err)
	for place, text := range map[string]string{"redis": dump.String(), "log": w.logs.String(), "metrics": fmt.Sprint(families), "audit": fmt.Sprintf("%+v", w.entries())} {
		for _, c := range canaries {
			if strings.Contains(text, c) {
				t.Errorf("%s holds a personal value", place)
			}
		}
	}
}

// TestOnRealRedis runs what rests on the cache once more on a real server.
func TestOnRealRedis(t *testing.T) {
	address := os.Getenv("YIYUAN_TEST_REDIS")
	if address == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("YIYUAN_TEST_REDIS is not set")
		}
		t.Skip("YIYUAN_TEST_REDIS is not set")
	}
	t.Setenv(realServer, address)
	for name, test := range map[string]func(*testing.T){
		"lookup": TestLookup, "statuses": TestStatuses, "emptied": TestEmptiedCacheIsNotLoadedAndRecovers, "nothing comes back": TestNothingComesBack,
		"restart": TestRestartResumesFromTheCache, "rebuild": TestRebuild, "fewer records": TestRebuildRefusesFewerRecords, "poison": TestPoison,
		"canary": TestCanary, "verify": TestVerify,
		"verifications of two gateways": TestBudgetOfTwoGateways, "verifications that match": TestMatchesAtOnce, "quota of two gateways": TestQuotaOfTwoGateways,
	} {
		t.Run(name, test)
	}
}
