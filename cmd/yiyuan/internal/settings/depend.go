package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// dependents are the keys that mean nothing without another: any of those beside them.
// Set alone they are refused, for whoever sets them believes in what does not happen.
var dependents = map[string][]string{
	"bus.tls.ca":          {"bus.tls.enabled"},
	"bus.tls.cert":        {"bus.tls.enabled"},
	"bus.tls.key":         {"bus.tls.enabled"},
	"bus.tls.server_name": {"bus.tls.enabled"},
	"bus.sasl.mechanism":  {"bus.sasl.user"},
	"bus.sasl.user":       {"bus.sasl.mechanism"},
	"bus.sasl.password":   {"bus.sasl.mechanism"},

	"registry.allow_delete": {"registry.write_key_file"},

	"gateway.redis_tls.ca":       {"gateway.redis"},
	"gateway.redis_tls.cert":     {"gateway.redis"},
	"gateway.redis_tls.key":      {"gateway.redis"},
	"gateway.sentinel.addresses": {"gateway.redis"},
	"gateway.sentinel.user":      {"gateway.sentinel.addresses"},
	"gateway.sentinel.password":  {"gateway.sentinel.addresses"},

	"listeners.tls.cert":              {"listeners.tls.key"},
	"listeners.tls.key":               {"listeners.tls.cert"},
	"listeners.tls.client_ca":         {"listeners.tls.cert", "listeners.gateway.tls.cert"},
	"listeners.gateway.tls.cert":      {"listeners.gateway.tls.key"},
	"listeners.gateway.tls.key":       {"listeners.gateway.tls.cert"},
	"listeners.gateway.tls.client_ca": {"listeners.gateway.tls.cert", "listeners.tls.cert"},
	"listeners.push.tls.cert":         {"listeners.push.tls.key"},
	"listeners.push.tls.key":          {"listeners.push.tls.cert"},
	"listeners.push.tls.client_ca":    {"listeners.push.tls.cert", "listeners.tls.cert"},
	"listeners.registry.tls.cert":     {"listeners.registry.tls.key"},
	"listeners.registry.tls.key":      {"listeners.registry.tls.cert"},
	"listeners.admin.tls.cert":        {"listeners.admin.tls.key"},
	"listeners.admin.tls.key":         {"listeners.admin.tls.cert"},
	"listeners.admin.tls.client_ca":   {"listeners.admin.tls.cert", "listeners.tls.cert"},
}

// keyError is what is wrong with a key.
type keyError struct {
	key  string
	text string
}

func (e *keyError) Error() string { return e.key + ": " + e.text }

// Wrong reports whether an error is about what a key is set to.
func Wrong(err error) bool { return errors.As(err, new(*keyError)) }

// checkDependents refuses a key that is set and means nothing.
func (c *Config) checkDependents() error {
	v := reflect.ValueOf(*c)
	set := func(key string) bool {
		value, _ := Leaf(v, key)
		return !value.IsZero() && (value.Kind() != reflect.Slice || value.Len() > 0)
	}
	for _, key := range AllKeys() {
		needs := dependents[key]
		if len(needs) == 0 || !set(key) || slices.ContainsFunc(needs, set) {
			continue
		}
		return &keyError{key, fmt.Sprintf("单独设没有作用，请一并设 %s，或去掉它 / has no effect alone: set %s too, or take it out", strings.Join(needs, " 或 "), strings.Join(needs, " or "))}
	}
	if c.Listeners.Registry.TLS.ClientCA != "" {
		return &keyError{"listeners.registry.tls.client_ca", "注册中心不认客户端证书（读对所有人开放，写凭 registry.write_key_file），请去掉 / the registry takes no client certificates (anybody reads, registry.write_key_file writes): take it out"}
	}
	return nil
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`)

// checkHosts refuses what no Host header is compared with.
func (c *Config) checkHosts() error {
	for _, host := range c.Listeners.Hosts {
		if _, err := netip.ParseAddr(host); err != nil && !hostName.MatchString(host) {
			return &keyError{"listeners.hosts", fmt.Sprintf("%q 不是主机名：只写名字或地址，不带协议、端口、路径，如 bus.example.gov / is no host: a name or an address alone, without scheme, port or path, such as bus.example.gov", host)}
		}
	}
	return nil
}

// Placed puts the place of the key that an error is about before it, where the key stands
// in the configuration file.
func Placed(err error, file string) error {
	wrong := (*keyError)(nil)
	if file == "" || !errors.As(err, &wrong) {
		return err
	}
	text, failed := os.ReadFile(file)
	if failed != nil {
		return err
	}
	return placed(wrong, file, text)
}

// placed puts the place of a key in the file before what is wrong with it, if it stands there.
func placed(err *keyError, file string, text []byte) error {
	doc, failed := parser.ParseBytes(text, 0)
	if failed != nil {
		return err
	}
	path, failed := yaml.PathString("$." + err.key)
	if failed != nil {
		return err
	}
	node, failed := path.FilterFile(doc)
	if failed != nil {
		return err
	}
	p := node.GetToken().Position
	return fmt.Errorf("%s:%d:%d: %w", file, p.Line, p.Column, err)
}
