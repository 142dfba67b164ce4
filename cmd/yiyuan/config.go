package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/viper"

	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// config is yiyuan.yaml: how this process runs, where its services are. The
// catalogue, the sources and the grants are files of their own, because viper
// lower-cases keys. deploy/yiyuan.yaml is the commented reference; the tag about
// says what stands there for several keys at once or is plain from the name.
type config struct {
	Roles      []string         `mapstructure:"roles"`
	Catalogue  string           `mapstructure:"catalogue"`
	Sources    string           `mapstructure:"sources"`
	Access     string           `mapstructure:"access"`
	Keys       keysConfig       `mapstructure:"keys"`
	Bus        busConfig        `mapstructure:"bus"`
	Registry   registryConfig   `mapstructure:"registry"`
	Push       pushConfig       `mapstructure:"push"`
	Processors processorsConfig `mapstructure:"processors"`
	Gateway    gatewayConfig    `mapstructure:"gateway"`
	Admin      adminConfig      `mapstructure:"admin"`
	Listeners  listenersConfig  `mapstructure:"listeners"`
	Log        logConfig        `mapstructure:"log"`
}

type keysConfig struct {
	File  string `mapstructure:"file"`
	Suite string `mapstructure:"suite"`
}

type busConfig struct {
	Brokers            []string       `mapstructure:"brokers"`
	Prefix             string         `mapstructure:"prefix"`
	Partitions         int            `mapstructure:"partitions"`
	Replication        int            `mapstructure:"replication" about:"Copies of each topic that is created."`
	TransactionTimeout time.Duration  `mapstructure:"transaction_timeout"`
	SessionTimeout     time.Duration  `mapstructure:"session_timeout" about:"A process that is silent for this long loses its partitions; above the transaction timeout. 0 = the built-in value."`
	Embedded           embeddedConfig `mapstructure:"embedded"`
	TLS                tlsConfig      `mapstructure:"tls"`
	SASL               saslConfig     `mapstructure:"sasl"`
}

type embeddedConfig struct {
	Listen string `mapstructure:"listen" about:"Where the embedded broker answers Kafka clients."`
	Data   string `mapstructure:"data"`
}

type tlsConfig struct {
	Enabled bool   `mapstructure:"enabled" about:"Speak TLS to the brokers."`
	CA      string `mapstructure:"ca" about:"PEM file of the authority that signed the brokers; empty = the system's."`
	Cert    string `mapstructure:"cert" about:"PEM file of our own certificate, if brokers ask for one."`
	Key     string `mapstructure:"key" about:"PEM file of its key."`
	Server  string `mapstructure:"server_name" about:"Name to expect in the brokers' certificate; empty = the address."`
}

type saslConfig struct {
	Mechanism string `mapstructure:"mechanism"`
	User      string `mapstructure:"user" about:"User to log in as."`
	Password  string `mapstructure:"password" about:"Its password: env:NAME or file:/path."`
}

type registryConfig struct {
	URL          string `mapstructure:"url"`
	Listen       string `mapstructure:"listen"`
	WriteKeyFile string `mapstructure:"write_key_file"`
	AllowDelete  bool   `mapstructure:"allow_delete"`
}

type pushConfig struct {
	Listen string `mapstructure:"listen"`
	Keys   string `mapstructure:"keys"`
}

type processorsConfig struct {
	Dir            string        `mapstructure:"dir"`
	Workers        int           `mapstructure:"workers" about:"Workers of each step, so that one works while another commits."`
	CommitInterval time.Duration `mapstructure:"commit_interval" about:"How long a transaction goes on taking in changes under load; with nothing to do it is committed at once."`
	MaxRecords     int           `mapstructure:"max_records" about:"Changes of one transaction at the most."`
	MaxBytes       int           `mapstructure:"max_bytes"`
	Standby        int           `mapstructure:"standby"`
	Instance       string        `mapstructure:"instance"`
}

type gatewayConfig struct {
	Listen      string         `mapstructure:"listen" about:"Address of the API and the console."`
	Redis       string         `mapstructure:"redis"`
	RedisTLS    redisTLS       `mapstructure:"redis_tls"`
	Sentinel    sentinelConfig `mapstructure:"sentinel"`
	OpenConsole bool           `mapstructure:"open_console"`
	Unconnected []string       `mapstructure:"unconnected" about:"Datasets of the catalogue that are not connected in this deployment."`

	Verify verifyConfig `mapstructure:"verify"`
}

// redisTLS is what rediss:// trusts and shows.
type redisTLS struct {
	CA   string `mapstructure:"ca" about:"With rediss://: PEM file of the authority that signed Redis's certificate; empty = the system's."`
	Cert string `mapstructure:"cert" about:"PEM file of our own certificate, if Redis asks for one."`
	Key  string `mapstructure:"key" about:"PEM file of its key."`
}

// sentinelConfig is who knows which Redis is the master.
type sentinelConfig struct {
	Addresses []string `mapstructure:"addresses"`
	User      string   `mapstructure:"user" about:"User of the sentinels themselves, if they ask for one."`
	Password  string   `mapstructure:"password" about:"Its password: env:NAME or file:/path."`
}

// verifyConfig is how many verifications may be answered with no before more are
// refused, all gateways together.
type verifyConfig struct {
	PerApplication limitsConfig `mapstructure:"per_application"`
	PerSubject     limitsConfig `mapstructure:"per_subject"`
}

type limitsConfig struct {
	Minute int `mapstructure:"minute" about:"Verifications answered with no in any minute: of an application, or of it about one subject."`
	Hour   int `mapstructure:"hour" about:"The same in any hour; not below the minute's."`
	Day    int `mapstructure:"day" about:"The same in any day; not below the hour's."`
}

func (l limitsConfig) limits() quota.Limits { return quota.Limits(l) }

type adminConfig struct {
	Listen    string `mapstructure:"listen"`
	TokenFile string `mapstructure:"token_file"`
}

// listenersConfig is what all listeners of the process have in common.
type listenersConfig struct {
	TrustedProxies        []string      `mapstructure:"trusted_proxies"`
	Hosts                 []string      `mapstructure:"hosts"`
	Connections           int           `mapstructure:"connections"`
	ConnectionsPerAddress int           `mapstructure:"connections_per_address" about:"Of them by one address (IPv6: /64); one that asks nothing makes room for a newer one. A trusted proxy has no such share."`
	Requests              int           `mapstructure:"requests"`
	RequestsPerKey        int           `mapstructure:"requests_per_key" about:"Of them by one key."`
	RequestsPerDepartment int           `mapstructure:"requests_per_department" about:"Of them by one department."`
	StrangersPerAddress   int           `mapstructure:"strangers_per_address"`
	BodyRate              int           `mapstructure:"body_rate"`
	BodyGrace             time.Duration `mapstructure:"body_grace" about:"How long a body may take before the rate counts."`
	Strangers             int           `mapstructure:"strangers" about:"Requests without a key, under way at a time, in all."`
	HeaderBytes           int           `mapstructure:"header_bytes"`
	HeaderTime            time.Duration `mapstructure:"header_time"`
	IdleTime              time.Duration `mapstructure:"idle_time" about:"How long a connection may ask nothing."`
	Plaintext             bool          `mapstructure:"plaintext"`
	TLS                   listenerTLS   `mapstructure:"tls"`
	Gateway               listenerOwn   `mapstructure:"gateway"`
	Push                  listenerOwn   `mapstructure:"push"`
	Registry              listenerOwn   `mapstructure:"registry"`
	Admin                 listenerOwn   `mapstructure:"admin"`
}

// listenerTLS is what a listener speaks TLS with.
type listenerTLS struct {
	Cert     string `mapstructure:"cert" about:"PEM file of the certificate, with those between it and its authority; empty = plain text."`
	Key      string `mapstructure:"key" about:"PEM file of its private key."`
	ClientCA string `mapstructure:"client_ca" about:"PEM file of the authorities whose clients may show a certificate instead of a key; empty = none."`
}

// listenerOwn is what one listener has of its own.
type listenerOwn struct {
	Connections           int           `mapstructure:"connections" about:"As above, of this listener; 0 = as above."`
	ConnectionsPerAddress int           `mapstructure:"connections_per_address" about:"As above, of this listener; 0 = as above."`
	HeaderBytes           int           `mapstructure:"header_bytes" about:"As above, of this listener; 0 = as above."`
	HeaderTime            time.Duration `mapstructure:"header_time" about:"As above, of this listener; 0 = as above."`
	IdleTime              time.Duration `mapstructure:"idle_time" about:"As above, of this listener; 0 = as above."`
	WriteTime             time.Duration `mapstructure:"write_time" about:"From the headers to the end of the answer; 0 = 30s, admin 10m, push as long as a commit may take."`
	BodyBytes             int           `mapstructure:"body_bytes" about:"Of a request's body, 1 MiB at most; 0 = 1 MiB."`
	TLS                   listenerTLS   `mapstructure:"tls"`
}

type logConfig struct {
	Level  string `mapstructure:"level"`
	Format string `mapstructure:"format"`
}

// The roles a process can take.
const (
	roleConnectors = "connectors"
	roleProcessors = "processors"
	roleGateway    = "gateway"
)

func defaultConfig() config {
	return config{
		Roles:      []string{roleConnectors, roleProcessors, roleGateway},
		Keys:       keysConfig{Suite: "intl"},
		Bus:        busConfig{Partitions: 4, Replication: 1, Embedded: embeddedConfig{Listen: "127.0.0.1:9092"}},
		Registry:   registryConfig{Listen: "127.0.0.1:8081"},
		Push:       pushConfig{Listen: "127.0.0.1:8090"},
		Processors: processorsConfig{Workers: 2, CommitInterval: 100 * time.Millisecond, MaxRecords: 20000, MaxBytes: 16 << 20},
		Gateway: gatewayConfig{
			Unconnected: []string{}, Sentinel: sentinelConfig{Addresses: []string{}}, Listen: "127.0.0.1:8080",
			Verify: verifyConfig{PerApplication: limitsConfig{20, 200, 1000}, PerSubject: limitsConfig{5, 20, 50}},
		},
		Admin: adminConfig{Listen: "127.0.0.1:8099"},
		Listeners: listenersConfig{
			Connections: 8192, ConnectionsPerAddress: 200, Requests: 1024, RequestsPerKey: 256, RequestsPerDepartment: 512,
			StrangersPerAddress: 32, BodyRate: 8192, BodyGrace: 5 * time.Second, Strangers: 256,
			HeaderBytes: 16 << 10, HeaderTime: 5 * time.Second, IdleTime: time.Minute,
		},
		Log: logConfig{Level: "info", Format: "text"},
	}
}

// has reports whether the process takes the role.
func (c *config) has(role string) bool { return slices.Contains(c.Roles, role) }

// loadConfig reads defaults, then the file (if any), then YIYUAN_* variables,
// each overriding the one before. A key that nothing knows is an error. A
// variable that is set and empty counts: it empties a text or a list.
func loadConfig(file string) (config, error) {
	cfg := defaultConfig()
	v := viper.NewWithOptions(viper.ExperimentalBindStruct())
	v.SetEnvPrefix("YIYUAN")
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AllowEmptyEnv(true)
	for _, key := range configKeys() { // viper forgets the environment of keys it has not been told of
		if err := v.BindEnv(key); err != nil {
			return cfg, fmt.Errorf("bind %q to the environment: %w", key, err)
		}
	}
	if file != "" {
		text, err := readConfigFile(file)
		if err != nil {
			return cfg, err
		}
		v.SetConfigType("yaml")
		if err := v.ReadConfig(bytes.NewReader(text)); err != nil {
			return cfg, fmt.Errorf("配置文件读不了 / read configuration %q: %w", file, err)
		}
	}
	if err := unknownEnvironment(os.Environ()); err != nil {
		return cfg, err
	}
	strict := func(d *mapstructure.DecoderConfig) { d.ErrorUnused = true }
	if err := v.Unmarshal(&cfg, strict); err != nil {
		return cfg, fmt.Errorf("配置项的值有误，可用的项和写法见 deploy/yiyuan.yaml / decode configuration %q, see deploy/yiyuan.yaml: %w", file, err)
	}
	return cfg, cfg.resolve()
}

// readConfigFile returns the text of a configuration file that holds.
func readConfigFile(file string) ([]byte, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("配置文件读不了 / read configuration: %w", err)
	}
	text, err := document.One(b)
	if err != nil {
		return nil, fmt.Errorf("%s: 配置文件有误 / malformed configuration: %w", file, err)
	}
	return text, checkConfigFile(file, text)
}

// checkConfigFile refuses what viper would read past or read wrongly: a key that
// nothing knows or that is not in lower case, a duration without its unit, a
// secret in clear. All problems are reported, each with its place.
func checkConfigFile(file string, text []byte) error {
	doc, err := parser.ParseBytes(text, 0)
	if err != nil {
		return fmt.Errorf("%s: 配置文件不是合法的 YAML / not valid YAML: %s", file, yaml.FormatError(err, false, false))
	}
	leaves, sections := configLeaves(), map[string]bool{}
	for key := range leaves {
		for i, r := range key {
			if r == '.' {
				sections[key[:i]] = true
			}
		}
	}
	var problems []error
	var walk func(n ast.Node, prefix string)
	walk = func(n ast.Node, prefix string) {
		fail := func(at ast.Node, format string, args ...any) {
			p := at.GetToken().Position
			problems = append(problems, fmt.Errorf("%s:%d:%d: %w", file, p.Line, p.Column, fmt.Errorf(format, args...)))
		}
		if n == nil || n.Type() == ast.NullType {
			return
		}
		m, ok := n.(ast.MapNode)
		if !ok {
			fail(n, "%s 应是一组配置项(键：值) / must hold keys with values", cmp.Or(strings.TrimSuffix(prefix, "."), "配置文件 / the file"))
			return
		}
		for it := m.MapRange(); it.Next(); {
			name := it.Key().GetToken().Value
			key := prefix + name
			kind, leaf := leaves[key]
			switch {
			case strings.Contains(name, "."):
				fail(it.Key(), "不认识的配置项 / unknown key %q: 请逐级缩进，不要用点 / nest keys, do not join them by dots", key)
			case sections[key]:
				walk(it.Value(), key+".")
			case !leaf:
				fail(it.Key(), "不认识的配置项 / unknown key %q%s", key, nearest(key, slices.Concat(configKeys(), slices.Sorted(maps.Keys(sections)))))
			case kind == reflect.TypeFor[time.Duration]() && it.Value().Type() == ast.IntegerType && it.Value().GetToken().Value != "0":
				fail(it.Value(), "%s 缺少单位，如 100ms、10s / needs a unit, such as 100ms, 10s", key)
			case inClear(key, it.Value()):
				fail(it.Value(), "%s: 口令不能写在配置文件里，请用 env:NAME 或 file:/路径 / a secret must not stand in the file, use env:NAME or file:/path", key)
			}
		}
	}
	for _, d := range doc.Docs {
		walk(d.Body, "")
	}
	return errors.Join(problems...)
}

// inClear reports a secret that is written out where a reference belongs.
func inClear(key string, value ast.Node) bool {
	text := value.GetToken().Value
	if value.Type() != ast.StringType || text == "" || strings.HasPrefix(text, "env:") || strings.HasPrefix(text, "file:") {
		return false
	}
	switch key {
	case "bus.sasl.password", "gateway.sentinel.password":
		return true
	case "gateway.redis":
		u, err := url.Parse(text)
		if err != nil {
			return true // it might hold one: parseRedis says what is wrong when it stands elsewhere
		}
		_, has := u.User.Password()
		return has
	}
	return false
}

// nearest returns the known name most like the one given, as a question to put
// behind an error; "" if none is like it.
func nearest(name string, known []string) string {
	best, distance := "", max(3, len(name)/4)
	for _, k := range known {
		if d := document.Distance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(",是不是 / did you mean %q?", best)
}

// resolve checks what can be checked without a service and follows references
// to secrets.
func (c *config) resolve() error {
	for _, r := range c.Roles {
		if r != roleConnectors && r != roleProcessors && r != roleGateway {
			return fmt.Errorf("roles: 不认识 / unknown %q: 可用 / known: %s %s %s", r, roleConnectors, roleProcessors, roleGateway)
		}
	}
	if len(c.Roles) == 0 {
		return errors.New("roles: 至少要有一个 / at least one is needed")
	}
	if c.Keys.File == "" && (len(c.Bus.Brokers) > 0 || c.Bus.Embedded.Data != "" || c.Gateway.Redis != "") {
		return errors.New("keys.file: 数据留存在本进程之外(bus.brokers、bus.embedded.data 或 gateway.redis)时必须指定密钥文件，否则重启后令牌和缓存键会变 / is needed when data outlives the process, or tokens and cache keys would change at a restart (create one: yiyuan keys generate FILE)")
	}
	for _, n := range []struct {
		key          string
		value, least int64
	}{
		{"bus.partitions", int64(c.Bus.Partitions), 1},
		{"bus.replication", int64(c.Bus.Replication), 1},
		{"bus.transaction_timeout", int64(c.Bus.TransactionTimeout), 0},
		{"bus.session_timeout", int64(c.Bus.SessionTimeout), 0},
		{"processors.workers", int64(c.Processors.Workers), 1},
		{"processors.max_records", int64(c.Processors.MaxRecords), 1},
		{"processors.max_bytes", int64(c.Processors.MaxBytes), 1},
		{"processors.standby", int64(c.Processors.Standby), 0},
		{"processors.commit_interval", int64(c.Processors.CommitInterval), 0},
		{"gateway.verify.per_application.minute", int64(c.Gateway.Verify.PerApplication.Minute), 1},
		{"gateway.verify.per_application.hour", int64(c.Gateway.Verify.PerApplication.Hour), int64(c.Gateway.Verify.PerApplication.Minute)},
		{"gateway.verify.per_application.day", int64(c.Gateway.Verify.PerApplication.Day), int64(c.Gateway.Verify.PerApplication.Hour)},
		{"gateway.verify.per_subject.minute", int64(c.Gateway.Verify.PerSubject.Minute), 1},
		{"gateway.verify.per_subject.hour", int64(c.Gateway.Verify.PerSubject.Hour), int64(c.Gateway.Verify.PerSubject.Minute)},
		{"gateway.verify.per_subject.day", int64(c.Gateway.Verify.PerSubject.Day), int64(c.Gateway.Verify.PerSubject.Hour)},
		{"listeners.connections", int64(c.Listeners.Connections), 1},
		{"listeners.connections_per_address", int64(c.Listeners.ConnectionsPerAddress), 1},
		{"listeners.requests", int64(c.Listeners.Requests), 1},
		{"listeners.requests_per_key", int64(c.Listeners.RequestsPerKey), 1},
		{"listeners.requests_per_department", int64(c.Listeners.RequestsPerDepartment), 1},
		{"listeners.strangers_per_address", int64(c.Listeners.StrangersPerAddress), 1},
		{"listeners.body_rate", int64(c.Listeners.BodyRate), 1},
		{"listeners.body_grace", int64(c.Listeners.BodyGrace), 1},
		{"listeners.strangers", int64(c.Listeners.Strangers), 1},
		{"listeners.header_bytes", int64(c.Listeners.HeaderBytes), 1},
		{"listeners.header_time", int64(c.Listeners.HeaderTime), 1},
		{"listeners.idle_time", int64(c.Listeners.IdleTime), 1},
	} {
		if n.value < n.least {
			return fmt.Errorf("%s: 不能小于 / must not be below %d", n.key, n.least)
		}
	}
	if err := c.checkListeners(); err != nil {
		return err
	}
	var err error
	if c.Bus.SASL.Password, err = secret(c.Bus.SASL.Password); err != nil {
		return fmt.Errorf("bus.sasl.password: %w", err)
	}
	if c.Gateway.Sentinel.Password, err = secret(c.Gateway.Sentinel.Password); err != nil {
		return fmt.Errorf("gateway.sentinel.password: %w", err)
	}
	if c.Gateway.Redis, err = secret(c.Gateway.Redis); err != nil {
		return fmt.Errorf("gateway.redis: %w", err)
	}
	return nil
}

// secret follows env:NAME and file:PATH; anything else is returned as it is.
func secret(ref string) (string, error) {
	if name, ok := strings.CutPrefix(ref, "env:"); ok {
		value, set := os.LookupEnv(name)
		if !set {
			return "", fmt.Errorf("环境变量没有设置 / environment variable %q is not set", name)
		}
		return value, nil
	}
	if path, ok := strings.CutPrefix(ref, "file:"); ok {
		b, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("read secret: %w", err)
		}
		return strings.TrimSpace(string(b)), nil
	}
	return ref, nil
}

// configKeys lists every leaf of config, dotted, in the order of the structs.
func configKeys() []string {
	var keys []string
	eachLeaf(reflect.TypeFor[config](), "", func(key string, _ reflect.Type) { keys = append(keys, key) })
	return keys
}

// configLeaves is the type of every leaf.
func configLeaves() map[string]reflect.Type {
	leaves := map[string]reflect.Type{}
	eachLeaf(reflect.TypeFor[config](), "", func(key string, t reflect.Type) { leaves[key] = t })
	return leaves
}

func eachLeaf(t reflect.Type, prefix string, visit func(key string, t reflect.Type)) {
	for i := range t.NumField() {
		f := t.Field(i)
		name := prefix + f.Tag.Get("mapstructure")
		if f.Type.Kind() == reflect.Struct {
			eachLeaf(f.Type, name+".", visit)
			continue
		}
		visit(name, f.Type)
	}
}
