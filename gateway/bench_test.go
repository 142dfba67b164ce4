package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// sink is an answer that nobody reads.
type sink struct {
	header http.Header
	status int
	bytes  int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { s.bytes += len(b); return len(b), nil }

// BenchmarkLookup measures an authorised, audited lookup without the socket,
// on the embedded broker and the cache named by YIYUAN_TEST_REDIS (the
// in-process one if empty); and beside it what one GET costs there.
func BenchmarkLookup(b *testing.B) {
	server := "in process"
	if address := os.Getenv("YIYUAN_TEST_REDIS"); address != "" {
		server = "redis"
		b.Setenv(realServer, address)
	}
	w := start(b)
	const people = 1000
	var records []bus.Record
	for i := range people {
		records = append(records, w.shared("person.partial", person(i), 1, map[string]schemas.Value{
			"GMSFHM": schemas.Text("539902************"), "XM": schemas.Text("张**"), "XBDM": schemas.Text("1"),
		}))
	}
	w.publish([]string{"GA01"}, records...)
	w.ready()
	handler := w.gateway.Handler()
	request := func(i int) *http.Request {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/v1/lookup/person.partial/"+person(i%people), nil)
		r.Header.Set("Authorization", "Bearer key-RS-GLJT")
		r.Header.Set("X-Purpose", "GLJT")
		return r
	}
	eventually(b, "the last one is there", func() bool {
		s := &sink{header: http.Header{}}
		handler.ServeHTTP(s, request(people-1))
		return s.status == http.StatusOK
	})
	for _, parallel := range []int{1, 32} {
		b.Run(fmt.Sprintf("%s/lookup/%d at a time", server, parallel), func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(parallel)
			var n atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					s := &sink{header: http.Header{}}
					handler.ServeHTTP(s, request(int(n.Add(1))))
					if s.status != http.StatusOK {
						b.Errorf("answered %d", s.status)
					}
				}
			})
		})
		b.Run(fmt.Sprintf("%s/bare GET/%d at a time", server, parallel), func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(parallel)
			keys, err := w.raw.Keys(b.Context(), "y:*:person.partial:*").Result()
			must(b, err)
			var n atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_ = w.raw.Get(b.Context(), keys[int(n.Add(1))%people]).Err() // marks are of another type
				}
			})
		})
	}
	b.Run(server+"/batch of 100", func(b *testing.B) {
		keys := make([]store.Digest, 100)
		into := make([]store.Stored, 100)
		b.ReportAllocs()
		for b.Loop() {
			must(b, w.cache.Get(b.Context(), "person.partial", keys, into, nil))
		}
	})
}

// person is the i-th made-up person's number.
func person(i int) string {
	body := fmt.Sprintf("53990219%02d0312%03d", 50+i/1000%50, i%1000)
	sum := 0
	for j, weight := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += weight * int(body[j]-'0')
	}
	return body + string("10X98765432"[sum%11])
}
