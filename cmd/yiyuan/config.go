package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// config is yiyuan.yaml: how this process runs, where its services are. The
// catalogue, the sources and the grants are files of their own, because viper
// lower-cases keys. deploy/yiyuan.yaml is the commented reference.
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
	Replication        int            `mapstructure:"replication"`
	TransactionTimeout time.Duration  `mapstructure:"transaction_timeout"`
	SessionTimeout     time.Duration  `mapstructure:"session_timeout"`
	Embedded           embeddedConfig `mapstructure:"embedded"`
	TLS                tlsConfig      `mapstructure:"tls"`
	SASL               saslConfig     `mapstructure:"sasl"`
}

type embeddedConfig struct {
	Listen string `mapstructure:"listen"`
	Data   string `mapstructure:"data"`
}

type tlsConfig struct {
	Enabled bool   `mapstructure:"enabled"`
	CA      string `mapstructure:"ca"`
	Cert    string `mapstructure:"cert"`
	Key     string `mapstructure:"key"`
	Server  string `mapstructure:"server_name"`
}

type saslConfig struct {
	Mechanism string `mapstructure:"mechanism"`
	User      string `mapstructure:"user"`
	Password  string `mapstructure:"password"`
}

type registryConfig struct {
	URL    string `mapstructure:"url"`
	Listen string `mapstructure:"listen"`
}

type pushConfig struct {
	Listen string `mapstructure:"listen"`
	Keys   string `mapstructure:"keys"`
}

type processorsConfig struct {
	Dir            string        `mapstructure:"dir"`
	Workers        int           `mapstructure:"workers"`
	CommitInterval time.Duration `mapstructure:"commit_interval"`
	MaxRecords     int           `mapstructure:"max_records"`
	Instance       string        `mapstructure:"instance"`
}

type gatewayConfig struct {
	Listen      string `mapstructure:"listen"`
	Redis       string `mapstructure:"redis"`
	OpenConsole bool   `mapstructure:"open_console"`
}

type adminConfig struct {
	Listen string `mapstructure:"listen"`
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
		Processors: processorsConfig{Workers: 2, CommitInterval: 100 * time.Millisecond, MaxRecords: 20000},
		Gateway:    gatewayConfig{Listen: "127.0.0.1:8080"},
		Admin:      adminConfig{Listen: "127.0.0.1:8099"},
		Log:        logConfig{Level: "info", Format: "text"},
	}
}

// has reports whether the process takes the role.
func (c *config) has(role string) bool { return slices.Contains(c.Roles, role) }

// loadConfig reads defaults, then the file (if any), then YIYUAN_* variables,
// each overriding the one before. A key that nothing knows is an error.
func loadConfig(file string) (config, error) {
	cfg := defaultConfig()
	v := viper.NewWithOptions(viper.ExperimentalBindStruct())
	v.SetEnvPrefix("YIYUAN")
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	for _, key := range configKeys() { // viper forgets the environment of keys it has not been told of
		if err := v.BindEnv(key); err != nil {
			return cfg, fmt.Errorf("bind %q to the environment: %w", key, err)
		}
	}
	if file != "" {
		v.SetConfigFile(file)
		if err := v.ReadInConfig(); err != nil {
			return cfg, fmt.Errorf("配置文件读不了 / read configuration %q: %w", file, err)
		}
	}
	if err := unknownEnvironment(os.Environ()); err != nil {
		return cfg, err
	}
	strict := func(d *mapstructure.DecoderConfig) { d.ErrorUnused = true }
	if err := v.Unmarshal(&cfg, strict); err != nil {
		return cfg, fmt.Errorf("配置项有误,可用的项见 deploy/yiyuan.yaml / decode configuration %q, known keys are %s: %w", file, strings.Join(configKeys(), " "), err)
	}
	return cfg, cfg.resolve()
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
	if len(c.Bus.Brokers) > 0 && len(c.Roles) > 0 && c.Keys.File == "" {
		return errors.New("keys.file: 接真实 Kafka 时必须指定密钥文件,否则重启后令牌会变 / is needed with real brokers, or tokens would change at a restart (create one: yiyuan keys generate FILE)")
	}
	var err error
	if c.Bus.SASL.Password, err = secret(c.Bus.SASL.Password); err != nil {
		return fmt.Errorf("bus.sasl.password: %w", err)
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

// configKeys lists every leaf of config, dotted.
func configKeys() []string {
	var keys []string
	var walk func(t reflect.Type, prefix string)
	walk = func(t reflect.Type, prefix string) {
		for i := range t.NumField() {
			f := t.Field(i)
			name := prefix + f.Tag.Get("mapstructure")
			if f.Type.Kind() == reflect.Struct {
				walk(f.Type, name+".")
				continue
			}
			keys = append(keys, name)
		}
	}
	walk(reflect.TypeFor[config](), "")
	return keys
}

// unknownEnvironment refuses a YIYUAN_ variable that no key answers to: a
// misspelt one would otherwise be ignored.
func unknownEnvironment(environ []string) error {
	known := map[string]bool{}
	for _, k := range configKeys() {
		known["YIYUAN_"+strings.ToUpper(strings.ReplaceAll(k, ".", "_"))] = true
	}
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "YIYUAN_") || known[name] {
			continue
		}
		if slices.ContainsFunc([]string{"YIYUAN_TEST", "YIYUAN_CACHE", "YIYUAN_CLIENT_"}, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		return fmt.Errorf("环境变量 %s 不对应任何配置项 / environment variable %s answers to no configuration key", name, name)
	}
	return nil
}
