package settings

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// What the parts of a process would refuse when they are opened, in words of their own, is
// judged here, by its key: a check and a start know the same.

// checkParts refuses what can be seen of the settings alone.
func (c *Config) checkParts() error {
	return cmp.Or(c.Log.check(), c.Bus.check(), c.Registry.check(), c.checkAddresses())
}

// formats are how the log can be written.
var formats = []string{"text", "json"}

func (l Log) check() error {
	if err := new(slog.Level).UnmarshalText([]byte(l.Level)); err != nil {
		return &keyError{"log.level", fmt.Sprintf("没有级别 %[1]q，可用 debug、info、warn、error / there is no level %[1]q: debug, info, warn or error", l.Level)}
	}
	if !slices.Contains(formats, l.Format) {
		return &keyError{"log.format", fmt.Sprintf("没有格式 %[1]q，可用 text、json / there is no format %[1]q: text or json", l.Format)}
	}
	return nil
}

// topicName is what Kafka takes in the name of a topic.
var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]*$`)

// Transactions and sessions last so long where nothing is set: bus.Config.
const (
	transactionTimeout = 10 * time.Second
	sessionTimeout     = 15 * time.Second
)

func (b *Bus) check() error {
	switch {
	case !topicName.MatchString(b.Prefix):
		return &keyError{"bus.prefix", fmt.Sprintf("%[1]q 不能用在主题名中，只能是字母、数字、点、下划线、连字符 / %[1]q cannot stand in the name of a topic: letters, digits, dots, underscores and hyphens alone", b.Prefix)}
	case len(b.Brokers) == 0 && b.Replication > 1:
		return &keyError{"bus.replication", fmt.Sprintf("内置消息代理只有一个，存不了 %[1]d 份；设为 1，或用 bus.brokers 指定别的代理 / the embedded broker is one and cannot keep %[1]d copies: set 1, or name other brokers by bus.brokers", b.Replication)}
	}
	if work, session := cmp.Or(b.TransactionTimeout, transactionTimeout), cmp.Or(b.SessionTimeout, sessionTimeout); work >= session {
		key := "bus.transaction_timeout"
		if b.TransactionTimeout == 0 {
			key = "bus.session_timeout"
		}
		return &keyError{key, fmt.Sprintf("事务超时 %[1]v 须小于会话超时 %[2]v（bus.transaction_timeout、bus.session_timeout）/ the transaction timeout, %[1]v, must be below the session timeout, %[2]v (bus.transaction_timeout, bus.session_timeout)", work, session)}
	}
	return nil
}

// check does not repeat the address: it may hold a password.
func (r *Registry) check() error {
	if r.URL == "" {
		return nil
	}
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return &keyError{"registry.url", "应为 http:// 或 https:// 开头的地址 / must be an address that begins with http:// or https://"}
	}
	return nil
}

// checkAddresses refuses two listeners at one address: one of them could not be opened.
func (c *Config) checkAddresses() error {
	at := map[string]string{}
	for name, address := range c.Doors() {
		at[name+".listen"] = address
	}
	if len(c.Bus.Brokers) == 0 {
		at["bus.embedded.listen"] = c.Bus.Embedded.Listen
	}
	keys := slices.Sorted(maps.Keys(at))
	for i, key := range keys {
		for _, other := range keys[:i] {
			if same(at[key], at[other]) {
				return &keyError{key, fmt.Sprintf("%[1]s 与 %[2]s（%[3]s）是同一端口，请改其中一个 / %[1]s is the port of %[2]s (%[3]s) too: change one of them", at[key], other, at[other])}
			}
		}
	}
	return nil
}

// same reports whether two listeners cannot both be opened at these addresses.
func same(a, b string) bool {
	host, port, err := net.SplitHostPort(a)
	other, otherPort, otherErr := net.SplitHostPort(b)
	if err != nil || otherErr != nil || port != otherPort || port == "0" {
		return false
	}
	if host == other {
		return true
	}
	ip, known := parseHost(host)
	otherIP, otherKnown := parseHost(other)
	if !known || !otherKnown {
		return false
	}
	every := func(x, y netip.Addr) bool { return x.IsUnspecified() && (x.Is6() || y.Is4()) }
	return ip == otherIP || every(ip, otherIP) || every(otherIP, ip)
}

// parseHost is the address that a listener of this host has, if that is plain.
func parseHost(host string) (netip.Addr, bool) {
	switch host {
	case "":
		return netip.IPv6Unspecified(), true
	case "localhost":
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), true
	}
	ip, err := netip.ParseAddr(host)
	return ip, err == nil
}

// Open reads the key file; nil if there is to be none.
func (k Keys) Open() (*keyring.Keyring, error) {
	if k.File == "" {
		return nil, nil
	}
	keys, err := keyring.Load(k.File)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", &keyError{"keys.file", "密钥文件用不了 / the key file cannot be used"}, err)
	}
	return keys, nil
}

// Fits refuses a dataset that a catalogue does not have.
func (g *Gateway) Fits(cat *schemas.Catalogue) error {
	for _, id := range g.Unconnected {
		if _, err := cat.Dataset(id); err != nil {
			return &keyError{"gateway.unconnected", fmt.Sprintf("目录中没有数据集 %[1]q，请核对编号 / the catalogue has no dataset %[1]q: look at its code", id)}
		}
	}
	return nil
}
