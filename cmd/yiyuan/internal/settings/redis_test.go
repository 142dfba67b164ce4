package settings

import (
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/redis"
	"github.com/yiyuan-bus/yiyuan/schemas/listener/listenertest"
)

// TestCacheSettings: what the settings of Redis say, and what they cannot.
func TestCacheSettings(t *testing.T) {
	t.Parallel()
	authority := listenertest.New(t)
	cert, key := authority.Server(time.Now().Add(time.Hour)).Write(t, t.TempDir())
	watched := Sentinel{Addresses: []string{"a:26379", "b:26379"}, User: "watcher", Password: "secret-of-sentinels"}
	for _, c := range []struct {
		name string
		cfg  Gateway
		err  string
		look func(redis.Config) bool
	}{
		{"one server", Gateway{Redis: "redis://me:secret@h:1/3"}, "", func(r redis.Config) bool {
			return r.Address == "h:1" && r.Username == "me" && r.Password == "secret" && r.Database == 3 && r.TLS == nil && r.Sentinel.Master == ""
		}},
		{"sentinels", Gateway{Redis: "redis://me:secret@city/1", Sentinel: watched}, "", func(r redis.Config) bool {
			return r.Sentinel.Master == "city" && len(r.Sentinel.Addresses) == 2 && r.Sentinel.Username == "watcher" && r.Sentinel.Password == "secret-of-sentinels" && r.Password == "secret" && r.Database == 1
		}},
		{"sentinels and an address", Gateway{Redis: "redis://:secret@h:1", Sentinel: watched}, "gateway.sentinel", nil},
		{"TLS", Gateway{Redis: "rediss://h:1", RedisTLS: RedisTLS{CA: cert, Cert: cert, Key: key}}, "", func(r redis.Config) bool {
			return r.TLS.ServerName == "h" && r.TLS.RootCAs != nil && len(r.TLS.Certificates) == 1
		}},
		{"TLS by sentinels, each of its own name", Gateway{Redis: "rediss://city", RedisTLS: RedisTLS{CA: cert}, Sentinel: watched}, "", func(r redis.Config) bool {
			return r.TLS.ServerName == "" && r.TLS.RootCAs != nil
		}},
		{"an authority without TLS", Gateway{Redis: "redis://h:1", RedisTLS: RedisTLS{CA: cert}}, "rediss://", nil},
		{"an authority that is none", Gateway{Redis: "rediss://h:1", RedisTLS: RedisTLS{CA: key}}, "gateway.redis_tls.ca", nil},
		{"a certificate without its key", Gateway{Redis: "rediss://h:1", RedisTLS: RedisTLS{Cert: cert}}, "gateway.redis_tls.cert", nil},
		{"no URL", Gateway{Redis: "h:1"}, "redis://", nil},
	} {
		var got redis.Config
		switch err := c.cfg.Cache(&got); {
		case c.err == "" && (err != nil || !c.look(got)):
			t.Errorf("%s: %v, %+v", c.name, err, got.Sentinel)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "secret")):
			t.Errorf("%s: error %v, want one about %s without the secret", c.name, err, c.err)
		}
	}
}
