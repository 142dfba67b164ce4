package settings

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings/settingstest"
	"github.com/yiyuan-bus/yiyuan/schemas/listener/listenertest"
)

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "yiyuan.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// flat is a YAML document as dotted leaves.
func flat(t *testing.T, text string) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	var walk func(m map[string]any, prefix string)
	walk = func(m map[string]any, prefix string) {
		for k, v := range m {
			if inner, ok := v.(map[string]any); ok {
				walk(inner, prefix+k+".")
				continue
			}
			out[prefix+k] = v
		}
	}
	walk(doc, "")
	return out
}

func CommentedReference(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash("../../../../deploy/yiyuan.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The commented reference is what people copy: it must hold every key, none too
// many, and each with the default that the program has.
func TestReferenceFileHoldsEveryKeyWithItsDefault(t *testing.T) {
	settingstest.Bare(t)
	got, want := flat(t, CommentedReference(t)), AllKeys()
	for _, key := range want {
		if _, ok := got[key]; !ok {
			t.Errorf("deploy/yiyuan.yaml lacks %q", key)
		}
	}
	for key := range got {
		if !slices.Contains(want, key) {
			t.Errorf("deploy/yiyuan.yaml holds %q, which nothing reads", key)
		}
	}
	cfg, err := Load(filepath.FromSlash("../../../../deploy/yiyuan.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want0 := Default()
	want0.Bus.Brokers, want0.Listeners.TrustedProxies, want0.Listeners.Hosts = []string{}, []string{}, []string{} // written out as []
	if diff := cmp.Diff(want0, cfg); diff != "" {
		t.Errorf("deploy/yiyuan.yaml differs from the defaults (-default +file):\n%s", diff)
	}
}

func TestLoadConfigPrecedence(t *testing.T) {
	settingstest.Bare(t)
	file := configFile(t, "log: {level: warn, format: json}\nbus: {partitions: 8}\n")
	t.Setenv("YIYUAN_LOG_LEVEL", "debug")
	cfg, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cfg.Log.Level, "debug"; got != want {
		t.Errorf("the environment over the file: log.level = %q, want %q", got, want)
	}
	if got, want := cfg.Log.Format, "json"; got != want {
		t.Errorf("the file over the default: log.format = %q, want %q", got, want)
	}
	if got, want := cfg.Bus.Partitions, 8; got != want {
		t.Errorf("the file over the default: bus.partitions = %d, want %d", got, want)
	}
	if got, want := cfg.Processors.Workers, 2; got != want {
		t.Errorf("the default: processors.workers = %d, want %d", got, want)
	}
}

// sample is a value other than the default for a leaf, as text and as it is read.
func sample(key string, kind reflect.Type) (text string, want any) {
	switch {
	case key == "roles":
		return "gateway", []string{RoleGateway}
	case key == "log.level":
		return "warn", "warn"
	case key == "log.format":
		return "json", "json"
	case key == "registry.url":
		return "https://registry.example:8081", "https://registry.example:8081"
	case key == "bus.transaction_timeout":
		return "5s", 5 * time.Second
	case key == "gateway.redis":
		return "rediss://h:1/0", "rediss://h:1/0"
	case strings.HasSuffix(key, ".listen"):
		return "127.0.0.2:1", "127.0.0.2:1"
	case key == "listeners.trusted_proxies":
		return "10.0.0.0/8,127.0.0.1", []string{"10.0.0.0/8", "127.0.0.1"}
	case strings.HasSuffix(key, "_file"):
		return "testdata/secret.txt", "testdata/secret.txt"
	case key == "listeners.hosts":
		return "bus.example.gov,10.0.0.1", []string{"bus.example.gov", "10.0.0.1"}
	case kind == reflect.TypeFor[[]string]():
		return "a:1,b:2", []string{"a:1", "b:2"}
	case kind == reflect.TypeFor[time.Duration]():
		return "1m30s", 90 * time.Second
	case strings.HasPrefix(key, "gateway.verify."): // each lies between the other two as they are by default
		n := map[string]int{"minute": 3, "hour": 30, "day": 2000}[key[strings.LastIndex(key, ".")+1:]]
		return strconv.Itoa(n), n
	case strings.HasSuffix(key, "_bytes"):
		return "9000", 9000
	case kind.Kind() == reflect.Int:
		return "17", 17
	case kind.Kind() == reflect.Bool:
		return "true", true
	}
	return "value-of-" + key, "value-of-" + key
}

// viper ignores the environment of a key it was never told of: every leaf must
// be bound, and none may share its variable with another.
func TestEveryKeyHasAVariableThatWorks(t *testing.T) {
	seen := map[string]string{}
	for key, kind := range leaves() {
		if key == "listeners.registry.tls.client_ca" { // refused always
			continue
		}
		t.Run(key, func(t *testing.T) {
			settingstest.Bare(t)
			if other, twice := seen[Variable(key)]; twice {
				t.Errorf("%s is set by the same variable as %s", key, other)
			}
			seen[Variable(key)] = key
			text, want := sample(key, kind)
			t.Setenv("YIYUAN_KEYS_FILE", "keys.yaml") // needed beside some of them
			beside(t, key)
			if key == "bus.replication" { // the embedded broker keeps one copy
				t.Setenv("YIYUAN_BUS_BROKERS", "kafka:9092")
			}
			if strings.HasPrefix(key, "gateway.sentinel.") {
				t.Setenv("YIYUAN_GATEWAY_REDIS", "redis://city/0") // the name of the master
			}
			if name, of := strings.CutPrefix(key, "gateway.redis_tls."); of {
				cert, certKey := listenertest.New(t).Server(time.Now().Add(time.Hour)).Write(t, t.TempDir())
				t.Setenv(Variable("gateway.redis_tls.cert"), cert)
				t.Setenv(Variable("gateway.redis_tls.key"), certKey)
				text = map[string]string{"cert": cert, "key": certKey, "ca": cert}[name]
				want = text
			}
			if section, name, of := strings.Cut(key, ".tls."); of && name != "enabled" && name != "server_name" { // a certificate needs its key
				cert, certKey := listenertest.New(t).Server(time.Now().Add(time.Hour)).Write(t, t.TempDir())
				t.Setenv(Variable(section+".tls.cert"), cert)
				t.Setenv(Variable(section+".tls.key"), certKey)
				text = map[string]string{"cert": cert, "key": certKey, "client_ca": cert, "ca": cert}[name]
				want = text
			}
			t.Setenv(Variable(key), text)
			cfg, err := Load("")
			if err != nil {
				t.Fatal(err)
			}
			value, _ := Leaf(reflect.ValueOf(cfg), key)
			if diff := cmp.Diff(want, value.Interface()); diff != "" {
				t.Errorf("%s=%s (-want +got):\n%s", Variable(key), text, diff)
			}
		})
	}
}

// viper folds case and cannot hold keys that people name: no key may have an
// upper-case letter or a dot of its own, and none may be a map.
func TestConfigKeysSuitViper(t *testing.T) {
	for key, kind := range leaves() {
		if key != strings.ToLower(key) || strings.Contains(key, "..") || strings.HasSuffix(key, ".") {
			t.Errorf("%q: want lower case and a mapstructure tag at every level", key)
		}
		if k := kind.Kind(); k == reflect.Map || k == reflect.Pointer || k == reflect.Interface {
			t.Errorf("%q is a %s: what people name belongs into a file of its own", key, k)
		}
	}
	source, err := os.ReadFile("load.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []string{"WatchConfig", "OnConfigChange", "AddConfigPath", "AutomaticEnv"} {
		if bytes.Contains(source, []byte("."+call+"(")) {
			t.Errorf("load.go calls viper's %s: settings may not change under a running process, nor come from where nobody looks", call)
		}
	}
}

func TestLoadConfigRefuses(t *testing.T) {
	for _, test := range []struct {
		name, file string
		want       []string
	}{
		{"a level that there is not", "log: {level: verbose}", []string{":1:14:", "log.level: 没有级别", "there is no level \"verbose\""}},
		{"a format that there is not", "log: {format: xml}", []string{":1:15:", "log.format: 没有格式", "there is no format \"xml\""}},
		{"a prefix that no topic has", "bus: {prefix: a b}", []string{":1:15:", "bus.prefix: ", "不能用在主题名中", "in the name of a topic"}},
		{"more copies than the embedded broker keeps", "bus: {replication: 3}", []string{":1:20:", "bus.replication: 内置消息代理只有一个", "cannot keep 3 copies"}},
		{"a transaction longer than a session", "bus: {transaction_timeout: 15s}", []string{":1:28:", "bus.transaction_timeout: 事务超时 15s 须小于会话超时 15s", "must be below the session timeout"}},
		{"a session shorter than a transaction", "bus: {session_timeout: 10s}", []string{":1:24:", "bus.session_timeout: 事务超时 10s 须小于会话超时 10s"}},
		{"a registry that is none", "registry: {url: ftp://user:secret@x}", []string{":1:17:", "registry.url: 应为", "begins with http://"}},
		{"two listeners at one address", "admin: {listen: 127.0.0.1:8080}", []string{"gateway.listen: 127.0.0.1:8080 与 admin.listen", "is the port of admin.listen"}},
		{"the broker at the address of a listener", "gateway: {listen: 127.0.0.1:9092}", []string{":1:19:", "gateway.listen: ", "bus.embedded.listen"}},
		{"a listener at an address of all", "gateway: {listen: '0.0.0.0:8099'}\nlisteners: {plaintext: true}", []string{":1:19:", "gateway.listen: ", "admin.listen"}},
		{"a listener at every address", "gateway: {listen: ':8099'}\nlisteners: {plaintext: true}", []string{":1:19:", "gateway.listen: ", "admin.listen"}},
		{"a listener by name", "gateway: {listen: 'localhost:8099'}", []string{":1:19:", "gateway.listen: ", "admin.listen"}},
		{"unknown key", "bus: {brokerz: [a]}", []string{":1:7:", `"bus.brokerz"`, `"bus.brokers"`}},
		{"unknown section", "logging: {level: info}", []string{":1:1:", `"logging"`}},
		{"upper case, which viper folds", "Log: {level: info}", []string{`"Log"`, `"log"`}},
		{"a dotted key, which viper nests", "log.level: debug", []string{`"log.level"`, "nest"}},
		{"a section that holds a value", "log: debug", []string{":1:6:", "log"}},
		{"a list at the top", "- log", []string{"the file"}},
		{"a duration without unit, which viper takes for nanoseconds", "processors: {commit_interval: 100}", []string{"processors.commit_interval", "100ms"}},
		{"a malformed duration", "processors: {commit_interval: soon}", []string{"processors.commit_interval"}},
		{"a negative duration", "bus: {session_timeout: -1s}", []string{"bus.session_timeout"}},
		{"a fraction for a number", "bus: {partitions: 4.5}", []string{":1:19:", "bus.partitions", "plain digits"}},
		{"a text for a number", "bus: {partitions: '4'}", []string{":1:19:", "bus.partitions"}},
		{"a number in eights", "bus: {partitions: 010}", []string{":1:19:", "bus.partitions"}},
		{"a number in sixteens", "processors: {max_records: 0x10}", []string{"processors.max_records"}},
		{"true for a number", "processors: {workers: true}", []string{"processors.workers"}},
		{"a fraction for a duration, which viper takes for nanoseconds", "processors: {commit_interval: 1.5}", []string{"processors.commit_interval", "100ms"}},
		{"a number for true", "listeners: {plaintext: 1}", []string{"listeners.plaintext", "true or false"}},
		{"a cache that is none", "gateway: {redis: 'http://x'}\nkeys: {file: k}", []string{":1:18:", "gateway.redis", "redis://"}},
		{"a cache without a port", "gateway: {redis: 'redis://x/0'}\nkeys: {file: k}", []string{":1:18:", "gateway.redis", "port"}},
		{"a database of the cache that is no number", "gateway: {redis: 'redis://x:1/y'}\nkeys: {file: k}", []string{":1:18:", "gateway.redis", "a number"}},
		{"an address where sentinels want a name", "gateway: {redis: 'redis://x:1/0', sentinel: {addresses: ['a:1']}}\nkeys: {file: k}", []string{":1:18:", "gateway.redis", "NAME"}},
		{"a sentinel without a port", "gateway: {redis: 'redis://x/0', sentinel: {addresses: [a]}}\nkeys: {file: k}", []string{"gateway.sentinel.addresses", `"a"`}},
		{"a word for a number", "bus: {partitions: many}", []string{"bus.partitions"}},
		{"verifications by the hour below those by the minute", "gateway: {verify: {per_subject: {minute: 30}}}", []string{"gateway.verify.per_subject.hour", "30"}},
		{"no verifications at all", "gateway: {verify: {per_application: {minute: 0}}}", []string{"gateway.verify.per_application.minute"}},
		{"no workers", "processors: {workers: 0}", []string{"processors.workers"}},
		{"malformed YAML", "bus: [a\nlog: x", []string{"not valid YAML"}},
		{"a key twice", "log: {level: info, level: warn}", []string{"level"}},
		{"an unknown role", "roles: [gateways]", []string{`"gateways"`, "gateway"}},
		{"no role", "roles: []", []string{"roles"}},
		{"a password in clear", "bus: {sasl: {password: hunter2}}", []string{"bus.sasl.password", "env:NAME"}},
		{"a password in a URL", "gateway: {redis: 'redis://u:hunter2@h:1/0'}", []string{"gateway.redis", "env:NAME"}},
		{"a password of the sentinels in clear", "gateway: {sentinel: {password: hunter2}}", []string{"gateway.sentinel.password", "env:NAME"}},
		{"a secret that is not there", "bus: {sasl: {mechanism: PLAIN, user: u, password: 'env:NO_SUCH_VARIABLE'}}", []string{"bus.sasl.password", "NO_SUCH_VARIABLE"}},
		{"a secret file that is not there", "gateway: {redis: 'file:/no/such/file'}\nkeys: {file: k}", []string{"gateway.redis", "/no/such/file"}},
		{"an open admin listener", "admin: {listen: '0.0.0.0:8099'}", []string{"admin.listen", "admin.token_file"}},
		{"an admin listener on a name", "admin: {listen: 'bus.city.gov:8099'}", []string{"admin.listen"}},
		{"a token that is not there", "admin: {listen: '0.0.0.0:8099', token_file: /no/such/token}", []string{"admin.token_file"}},
		{"plain text for everybody", "gateway: {listen: '0.0.0.0:8080'}", []string{"gateway.listen", "listeners.tls.cert", "listeners.plaintext"}},
		{"plain text for everybody, by a name", "registry: {listen: 'bus.city.gov:8081'}", []string{"registry.listen", "listeners.tls.cert"}},
		{"plain text on every address", "push: {listen: ':8090'}", []string{"push.listen", "listeners.tls.cert"}},
		{"an authority of brokers that are spoken to in clear", "bus: {tls: {ca: x.pem}}", []string{":1:17:", "bus.tls.ca", "bus.tls.enabled"}},
		{"a login without its mechanism", "bus:\n  sasl: {user: u, password: 'env:HOME'}", []string{":2:16:", "bus.sasl.user", "bus.sasl.mechanism"}},
		{"sentinels of no Redis", "gateway: {sentinel: {addresses: ['a:1']}}", []string{"gateway.sentinel.addresses", "gateway.redis"}},
		{"certificates of clients at the registry", "listeners: {registry: {tls: {client_ca: x.pem}}}", []string{"listeners.registry.tls.client_ca"}},
		{"a host that is an address of the web", "listeners: {hosts: ['https://x/']}", []string{":1:20:", "listeners.hosts", "https://x/"}},
		{"a host with its port", "listeners: {hosts: ['y:8080']}", []string{"listeners.hosts", "y:8080"}},
		{"no time for a head", "listeners: {header_time: 1ns}", []string{":1:26:", "listeners.header_time", "1s"}},
		{"no time for a head of one listener", "listeners: {push: {header_time: 1ms}}", []string{"listeners.push.header_time", "1s"}},
		{"no room for a head", "listeners: {header_bytes: 8191}", []string{"listeners.header_bytes", "8192"}},
		{"no room for a body", "listeners: {gateway: {body_bytes: 1}}", []string{"listeners.gateway.body_bytes", "1024"}},
		{"fewer than no connections of one listener", "listeners: {admin: {connections: -1}}", []string{":1:34:", "listeners.admin.connections", "below 1 "}},
		{"an answer of one listener before it begins", "listeners: {registry: {write_time: -1s}}", []string{":1:36:", "listeners.registry.write_time", "below 1s"}},
		{"a certificate without its key", "listeners: {tls: {cert: cert.pem}}", []string{"listeners.tls", "key"}},
		{"a certificate that is none", "listeners: {gateway: {tls: {cert: testdata/secret.txt, key: testdata/secret.txt}}}", []string{"listeners.tls (gateway)"}},
		{"an authority of brokers that is none", "bus: {tls: {enabled: true, ca: testdata/secret.txt}}", []string{"bus.tls.ca: ", "testdata/secret.txt", "no PEM"}},
		{"an authority of Redis that is none", "gateway: {redis: 'rediss://h:1/0', redis_tls: {ca: testdata/secret.txt}}\nkeys: {file: k}", []string{"gateway.redis_tls.ca: ", "testdata/secret.txt", "no PEM"}},
		{"half a pair for brokers", "bus: {tls: {enabled: true, cert: testdata/secret.txt}}", []string{"bus.tls.cert", "bus.tls.key"}},
		{"a certificate that is not there", "listeners: {tls: {cert: /no/such/cert, key: /no/such/key}}", []string{"listeners.tls", "/no/such/cert"}},
		{"bodies larger than what is behind takes", "listeners: {push: {body_bytes: 2000000}}", []string{":1:32:", "listeners.push.body_bytes", "1048576"}},
		{"a write key that is not there", "registry: {write_key_file: /no/such/key}", []string{"registry.write_key_file"}},
		{"a proxy that is no address", "listeners: {trusted_proxies: [proxy.city.gov]}", []string{"listeners.trusted_proxies", "proxy.city.gov"}},
		{"no place for a request", "listeners: {requests: 0}", []string{"listeners.requests"}},
		{"real brokers without keys", "bus: {brokers: ['a:1']}", []string{"keys.file", "yiyuan keys generate"}},
		{"a kept broker without keys", "bus: {embedded: {data: /var/lib/x}}", []string{"keys.file"}},
		{"a real cache without keys", "gateway: {redis: 'redis://h:1/0'}", []string{"keys.file"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			settingstest.Bare(t)
			_, err := Load(configFile(t, test.file))
			if err == nil {
				t.Fatalf("loadConfig took %q", test.file)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not name %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %q shows the password", err)
			}
		})
	}
}

func TestLoadConfigReportsEveryProblem(t *testing.T) {
	settingstest.Bare(t)
	_, err := Load(configFile(t, "one: 1\ntwo: 2\n"))
	if err == nil || !strings.Contains(err.Error(), `"one"`) || !strings.Contains(err.Error(), `"two"`) {
		t.Errorf("error = %v, want both keys named", err)
	}
}

func TestLoadConfigWithoutSuchAFile(t *testing.T) {
	settingstest.Bare(t)
	if _, err := Load(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error = %v, want the reason", err)
	}
}

func TestEmptyFileIsTheDefaults(t *testing.T) {
	settingstest.Bare(t)
	cfg, err := Load(configFile(t, "# nothing yet\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), cfg); diff != "" {
		t.Errorf("an empty file changes something (-want +got):\n%s", diff)
	}
}

func TestVariableSetToNothingCounts(t *testing.T) {
	settingstest.Bare(t)
	t.Setenv("YIYUAN_REGISTRY_LISTEN", "")
	cfg, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Registry.Listen != "" {
		t.Errorf("registry.listen = %q, want it switched off", cfg.Registry.Listen)
	}
}

func TestSecrets(t *testing.T) {
	settingstest.Bare(t)
	t.Setenv("SOME_PASSWORD", "from the environment")
	path := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(path, []byte("redis://:p@h:6379/1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(configFile(t, "bus: {sasl: {mechanism: PLAIN, user: u, password: 'env:SOME_PASSWORD'}}\ngateway: {redis: 'file:"+path+"'}\nkeys: {file: k}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cfg.Bus.SASL.Password, "from the environment"; got != want {
		t.Errorf("bus.sasl.password = %q, want %q", got, want)
	}
	if got, want := cfg.Gateway.Redis, "redis://:p@h:6379/1"; got != want {
		t.Errorf("gateway.redis = %q, want %q", got, want)
	}
}

// A secret may come by the environment as it is: no file holds it then.
func TestSecretByVariable(t *testing.T) {
	settingstest.Bare(t)
	t.Setenv("YIYUAN_BUS_SASL_MECHANISM", "PLAIN")
	t.Setenv("YIYUAN_BUS_SASL_USER", "u")
	t.Setenv("YIYUAN_BUS_SASL_PASSWORD", "as it is")
	cfg, err := Load(configFile(t, "log: {level: warn}"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cfg.Bus.SASL.Password, "as it is"; got != want {
		t.Errorf("bus.sasl.password = %q, want %q", got, want)
	}
}

func TestUnknownVariableIsRefused(t *testing.T) {
	for _, test := range []struct{ variable, hint string }{
		{"YIYUAN_BUS_BROKER=a:1", "YIYUAN_BUS_BROKERS"},
		{"YIYUAN_LOGLEVEL=debug", "YIYUAN_LOG_LEVEL"},
		{"YIYUAN_GATEWAY_PORT=8080", "YIYUAN_GATEWAY_PORT"},
		{"YIYUAN_X=1", "YIYUAN_X"},
		{"YIYUAN_CLIENT_GATWAY=http://h", `did you mean "YIYUAN_CLIENT_GATEWAY"?`},
		{"YIYUAN_CLEINT_KEY=k", `did you mean "YIYUAN_CLIENT_KEY"?`},
		{"YIYUAN_GATEWAY=http://h", `did you mean "YIYUAN_CLIENT_GATEWAY"?`},
	} {
		err := UnknownEnvironment([]string{"PATH=/bin", test.variable})
		name, _, _ := strings.Cut(test.variable, "=")
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), test.hint) {
			t.Errorf("%s: error = %v, want it refused, with %s", test.variable, err, test.hint)
		}
	}
}

// Kubernetes tells every pod of a namespace about its Services, by variables
// that begin with the Service's name.
func TestVariablesOfOthersPass(t *testing.T) {
	err := UnknownEnvironment([]string{
		"HOME=/", "YIYUAN_TEST_KAFKA=a:1", "YIYUAN_CLIENT_KEY=k", "YIYUAN_CLIENT_CERT_KEY=f", "YIYUAN_KEY=k",
		"YIYUAN_SERVICE_HOST=10.0.0.1", "YIYUAN_SERVICE_PORT=8080", "YIYUAN_SERVICE_PORT_HTTP=8080", "YIYUAN_PORT=tcp://10.0.0.1:8080",
		"YIYUAN_PORT_8080_TCP=tcp://10.0.0.1:8080", "YIYUAN_PORT_8080_TCP_PROTO=tcp", "YIYUAN_PORT_8080_TCP_PORT=8080", "YIYUAN_PORT_8080_TCP_ADDR=10.0.0.1",
		"YIYUAN_GATEWAY_SERVICE_HOST=10.0.0.1", "YIYUAN_GATEWAY_PORT=tcp://10.0.0.1:8080", "YIYUAN_GATEWAY_PORT_8080_TCP_ADDR=10.0.0.1",
	})
	if err != nil {
		t.Error(err)
	}
}

// A mistyped role on the command line must not start half a bus.
func TestRolesAreCheckedAfterFlags(t *testing.T) {
	settingstest.Bare(t)
	if _, err := Load("", "processor"); err == nil || !strings.Contains(err.Error(), `"processor"`) {
		t.Errorf("error = %v, want the role named", err)
	}
	// What only the gateway needs is not looked for where none runs.
	file := configFile(t, "gateway: {redis: 'rediss://h:1/0', redis_tls: {ca: /no/such/ca}}\nkeys: {file: k}")
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "gateway.redis_tls.ca: ") {
		t.Errorf("error = %v, want the setting named", err)
	}
	if cfg, err := Load(file, RoleProcessors); err != nil || !slices.Equal(cfg.Roles, []string{RoleProcessors}) {
		t.Errorf("as processors alone: %v, %v", cfg.Roles, err)
	}
}

func TestNewLogger(t *testing.T) {
	for _, test := range []struct {
		cfg         Log
		want, never string
	}{
		{Log{"info", "text"}, `level=INFO msg=said`, "hidden"},
		{Log{"debug", "text"}, `level=DEBUG msg=hidden`, "nothing"},
		{Log{"warn", "json"}, `{"time":`, "said"},
		{Log{"ERROR", "json"}, `"msg":"loud"`, "said"},
	} {
		t.Run(test.cfg.Level+" "+test.cfg.Format, func(t *testing.T) {
			var out bytes.Buffer
			log, err := NewLogger(test.cfg, &out)
			if err != nil {
				t.Fatal(err)
			}
			log.Debug("hidden")
			log.Info("said")
			log.Error("loud", slog.Int("n", 1))
			if !strings.Contains(out.String(), test.want) || strings.Contains(out.String(), test.never) {
				t.Errorf("wrote %q, want %q and never %q", out.String(), test.want, test.never)
			}
		})
	}
	for _, cfg := range []Log{{"loud", "text"}, {"info", "xml"}, {"", "text"}, {"info", ""}} {
		if _, err := NewLogger(cfg, &bytes.Buffer{}); err == nil {
			t.Errorf("newLogger took %+v", cfg)
		}
	}
}

// TestOneLine: a group written in one line says what it says line by line.
func TestOneLine(t *testing.T) {
	settingstest.Bare(t)
	cfg, err := Load(configFile(t, "bus: {partitions: 2, brokers: [127.0.0.1:9092, kafka-2:9092], prefix: \"x.\"}\nkeys: {file: k.keys}\n"))
	if err != nil || !slices.Equal(cfg.Bus.Brokers, []string{"127.0.0.1:9092", "kafka-2:9092"}) || cfg.Bus.Partitions != 2 {
		t.Errorf("read %q, %d partitions, %v", cfg.Bus.Brokers, cfg.Bus.Partitions, err)
	}
}
