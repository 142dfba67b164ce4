package settings

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings/settingstest"
)

// alone are the keys, or with a dot at the end the groups of them, that mean something
// whatever else is set.
var alone = []string{
	"roles", "catalogue", "sources", "access", "keys.file", "keys.suite",
	"bus.brokers", "bus.prefix", "bus.partitions", "bus.replication", "bus.transaction_timeout", "bus.session_timeout",
	"bus.embedded.listen", "bus.embedded.data", "bus.tls.enabled",
	"registry.url", "registry.listen", "registry.write_key_file", "push.listen", "push.keys",
	"processors.dir", "processors.workers", "processors.commit_interval", "processors.max_records", "processors.max_bytes", "processors.standby", "processors.instance",
	"gateway.listen", "gateway.redis", "gateway.open_console", "gateway.unconnected", "gateway.verify.", "admin.listen", "admin.token_file",
	"listeners.trusted_proxies", "listeners.hosts", "listeners.connections", "listeners.connections_per_address", "listeners.requests",
	"listeners.requests_per_key", "listeners.requests_per_department", "listeners.strangers_per_address", "listeners.body_rate", "listeners.body_grace",
	"listeners.strangers", "listeners.header_bytes", "listeners.header_time", "listeners.idle_time", "listeners.plaintext",
	"log.level", "log.format",
}

// ofOne are the limits that each listener has of its own.
var ofOne = []string{"connections", "connections_per_address", "header_bytes", "header_time", "idle_time", "write_time", "body_bytes"}

// beside sets what a key needs, and what that needs.
func beside(t *testing.T, key string) {
	t.Helper()
	for needs := dependents[key]; len(needs) > 0 && os.Getenv(Variable(needs[0])) == ""; needs = dependents[needs[0]] {
		text, _ := sample(needs[0], leaves()[needs[0]])
		t.Setenv(Variable(needs[0]), text)
	}
}

// TestEveryKeyMeansSomething: each key either means something alone, or is refused
// without what it needs: a new one has to be put on either side.
func TestEveryKeyMeansSomething(t *testing.T) {
	all := AllKeys()
	for key, needs := range dependents {
		for _, k := range append([]string{key}, needs...) {
			if !slices.Contains(all, k) {
				t.Errorf("%s is no key", k)
			}
		}
	}
	for _, key := range all {
		_, dependent := dependents[key]
		group, own, _ := strings.Cut(strings.TrimPrefix(key, "listeners."), ".")
		free := slices.ContainsFunc(alone, func(a string) bool { return key == a || strings.HasSuffix(a, ".") && strings.HasPrefix(key, a) }) ||
			slices.Contains([]string{"gateway", "push", "registry", "admin"}, group) && strings.HasPrefix(key, "listeners.") && slices.Contains(ofOne, own)
		if key == "listeners.registry.tls.client_ca" { // refused always
			continue
		}
		if dependent == free {
			t.Errorf("%s: say in dependents what it needs, or in this test that it means something alone", key)
		}
		if !dependent {
			continue
		}
		t.Run(key, func(t *testing.T) {
			settingstest.Bare(t)
			text, _ := sample(key, leaves()[key])
			t.Setenv("YIYUAN_KEYS_FILE", "keys.yaml")
			t.Setenv(Variable(key), text)
			_, err := Load("")
			if err == nil || !strings.Contains(err.Error(), key+": ") || !strings.Contains(err.Error(), dependents[key][0]) {
				t.Errorf("alone it is answered %v", err)
			}
		})
	}
}

// TestListenersInherit: a listener's block takes from that of all what it does not set,
// certificate and key as a pair; the authorities of all are the gateway's alone.
func TestListenersInherit(t *testing.T) {
	t.Parallel()
	all := ListenerTLS{"c", "k", "ca"}
	for _, c := range []struct {
		name      string
		own, want ListenerTLS
	}{
		{"gateway", ListenerTLS{}, all},
		{"gateway", ListenerTLS{Cert: "c2", Key: "k2"}, ListenerTLS{"c2", "k2", "ca"}},
		{"gateway", ListenerTLS{ClientCA: "ca2"}, ListenerTLS{"c", "k", "ca2"}},
		{"admin", ListenerTLS{}, ListenerTLS{"c", "k", ""}},
		{"admin", ListenerTLS{ClientCA: "ca2"}, ListenerTLS{"c", "k", "ca2"}},
	} {
		l := Listeners{TLS: all, Gateway: ListenerOwn{TLS: c.own}, Admin: ListenerOwn{TLS: c.own}}
		if got := l.Files(c.name); got != c.want {
			t.Errorf("%s with %+v has %+v, want %+v", c.name, c.own, got, c.want)
		}
	}
}
