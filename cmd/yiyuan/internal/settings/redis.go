package settings

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/gateway/redis"
)

// CachePrefix is what stands before every key in Redis, so that cities can share one.
func CachePrefix(prefix string) string {
	if prefix = strings.Trim(prefix, ".-_"); prefix != "" {
		return "y-" + prefix
	}
	return "y"
}

// OtherBus is what to do where the keys of a pattern in Redis are of another bus than that of
// the configuration.
func (c *Gateway) OtherBus(pattern string) (chinese, english string) {
	cli := c.cli()
	unlink := cli + " --scan --pattern '" + pattern + "' | xargs -r " + cli + " unlink"
	return "那条总线还在用的，给本总线另设 bus.prefix，或在 gateway.redis 换一个库号；它已不再用的（例如 Kafka 重新建过），停下网关，删去这些键再启动，缓存自行重建：" + unlink,
		"where that bus is in use give this one another bus.prefix, or another database in gateway.redis; where it is no more (Kafka was set up anew) stop the gateways, remove these keys and start, the cache is filled again by itself: " + unlink
}

// OfAnotherBus is the error of a configuration whose keys in Redis are another bus's.
func (c *Gateway) OfAnotherBus(pattern string) error {
	zh, en := c.OtherBus(pattern)
	return &keyError{"gateway.redis", fmt.Sprintf("Redis 中 %[1]s 这些键是另一条总线的，混用会答成别人的记录，不启动：%[2]s / the keys %[1]s in Redis are another bus's, and records would be mixed: %[3]s", pattern, zh, en)}
}

// cli is redis-cli with the flags that reach this Redis and its database, less secrets; of
// one behind sentinels with words where its master's address belongs.
func (c *Gateway) cli() string {
	u, err := url.Parse(c.Redis)
	if err != nil {
		return "redis-cli"
	}
	out := "redis-cli -h " + u.Hostname() + " -p " + cmp.Or(u.Port(), "6379")
	if len(c.Sentinel.Addresses) > 0 {
		out = "redis-cli -h MASTER -p PORT"
	}
	if db := strings.Trim(u.Path, "/"); db != "" && db != "0" {
		out += " -n " + db
	}
	if u.Scheme == "rediss" {
		out += " --tls"
	}
	if u.User != nil {
		out += " --askpass"
	}
	return out
}

// Cache says which Redis and how. Settings are judged by it before anything is opened.
func (c *Gateway) Cache(cfg *redis.Config) error {
	if err := parseRedis(c.Redis, cfg); err != nil {
		return err
	}
	if len(c.Sentinel.Addresses) > 0 {
		u, err := url.Parse(c.Redis)
		if err != nil || u.Port() != "" {
			return &keyError{"gateway.redis", "用 gateway.sentinel 时，主机处写主库名，不带端口 / with gateway.sentinel the host is the name of the master, without a port: redis://[user:password@]NAME[/database]"}
		}
		for _, address := range c.Sentinel.Addresses {
			if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
				return &keyError{"gateway.sentinel.addresses", fmt.Sprintf("%q 应写作 host:port / must be host:port", address)}
			}
		}
		cfg.Sentinel = redis.Sentinel{Master: u.Hostname(), Addresses: c.Sentinel.Addresses, Username: c.Sentinel.User, Password: c.Sentinel.Password}
	} else if _, _, err := net.SplitHostPort(cfg.Address); err != nil {
		return &keyError{"gateway.redis", "没有端口 / has no port: redis://[user:password@]host:port[/database]"}
	}
	if cfg.TLS == nil {
		if c.RedisTLS != (RedisTLS{}) {
			return &keyError{"gateway.redis_tls", "只用于 rediss:// / is for rediss:// alone"}
		}
		return nil
	}
	read, err := c.RedisTLS.Files().Load()
	if err != nil {
		return err //nolint:wrapcheck // it names setting and file
	}
	trusted := read.Config()
	if cfg.Sentinel.Master == "" {
		trusted.ServerName = cfg.TLS.ServerName
	}
	cfg.TLS = trusted
	return nil
}

// parseRedis reads redis://[user[:password]@]host:port[/database], rediss:// for TLS.
// Errors do not repeat it: it may hold a password.
func parseRedis(text string, cfg *redis.Config) error {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "redis" && u.Scheme != "rediss") || u.Host == "" {
		return &keyError{"gateway.redis", "应为 / want redis://[user:password@]host:port[/database]"}
	}
	cfg.Address, cfg.Username = u.Host, u.User.Username()
	cfg.Password, _ = u.User.Password()
	if u.Scheme == "rediss" {
		cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname()}
	}
	if number := strings.Trim(u.Path, "/"); number != "" {
		if cfg.Database, err = strconv.Atoi(number); err != nil || cfg.Database < 0 {
			return &keyError{"gateway.redis", "库号应为数字 / the database must be a number"}
		}
	}
	return nil
}
