package settings

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/redis"
)

// Resolve checks what can be checked without a service and follows references
// to secrets.
func (c *Config) Resolve() error {
	for _, r := range c.Roles {
		if r != RoleConnectors && r != RoleProcessors && r != RoleGateway {
			return fmt.Errorf("roles: 不认识 / unknown %q: 可用 / known: %s %s %s", r, RoleConnectors, RoleProcessors, RoleGateway)
		}
	}
	if len(c.Roles) == 0 {
		return errors.New("roles: 至少要有一个 / at least one is needed")
	}
	if c.Keys.File == "" && (len(c.Bus.Brokers) > 0 || c.Bus.Embedded.Data != "" || c.Gateway.Redis != "") {
		return errors.New("keys.file: 数据留存在本进程之外（bus.brokers、bus.embedded.data 或 gateway.redis）时必须指定密钥文件，否则重启后令牌和缓存键会变 / is needed when data outlives the process, or tokens and cache keys would change at a restart (create one: yiyuan keys generate FILE)")
	}
	if err := errors.Join(c.checkDependents(), c.checkHosts()); err != nil {
		return err
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
		{"listeners.header_bytes", int64(c.Listeners.HeaderBytes), leastHead},
	} {
		if n.value < n.least {
			return &keyError{n.key, fmt.Sprintf("不能小于 / must not be below %d", n.least)}
		}
	}
	for key, value := range map[string]time.Duration{"listeners.header_time": c.Listeners.HeaderTime, "listeners.idle_time": c.Listeners.IdleTime} {
		if value < leastTime {
			return &keyError{key, fmt.Sprintf("不能小于 / must not be below %v", leastTime)}
		}
	}
	if err := cmp.Or(c.checkListeners(), c.checkParts()); err != nil {
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
	if err := c.checkServices(); err != nil {
		return err
	}
	if c.Gateway.Redis == "" || !c.Has(RoleGateway) {
		return nil
	}
	return c.Gateway.Cache(&redis.Config{})
}

// checkListeners refuses what would open a door that has no lock.
func (c *Config) checkListeners() error {
	if _, err := c.Listeners.Shared(nil); err != nil {
		return err
	}
	if c.Admin.Listen != "" && c.Admin.TokenFile == "" && !OnThisMachine(c.Admin.Listen) {
		return fmt.Errorf("admin.listen: %s 不是本机地址；管理端口要对外，须先设 admin.token_file / is not an address of this machine alone: set admin.token_file first", c.Admin.Listen)
	}
	for key, file := range map[string]string{"admin.token_file": c.Admin.TokenFile, "registry.write_key_file": c.Registry.WriteKeyFile} {
		if file == "" {
			continue
		}
		if _, err := SecretFile(file); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return c.checkDoors()
}

// maxBodyBytes is what a request's body may be at most: what is behind the
// listeners holds it in memory, and is built for no more.
const maxBodyBytes = 1 << 20

// What is less serves nobody: no request has so short a head, and no client is so fast.
const (
	leastBytes = 1 << 10
	leastHead  = 8 << 10 // half of it is what the server takes in any case
	leastTime  = time.Second
)

// checkDoors refuses a certificate that cannot be used, and a listener that others
// than this machine reach and that speaks plain text, unless that is meant.
func (c *Config) checkDoors() error {
	doors := c.Doors()
	for _, name := range slices.Sorted(maps.Keys(c.Listeners.own())) {
		own := c.Listeners.own()[name]
		if err := own.check(name); err != nil {
			return err
		}
		address, opened := doors[name]
		if !opened {
			continue
		}
		own.TLS = c.Listeners.Files(name)
		secure, err := own.TLS.Open(name)
		if err != nil {
			return fmt.Errorf("listeners.tls (%s): 证书用不了 / the certificate cannot be used: %w", name, err)
		}
		if secure == nil && !c.Listeners.Plaintext && !OnThisMachine(address) {
			return fmt.Errorf("%s.listen: %s 不是本机地址，而端口没有 TLS，密钥与数据会以明文经过网络；请设 listeners.tls.cert 与 key，或（前面另有 TLS 时）设 listeners.plaintext: true / "+
				"%s is no address of this machine alone and the listener has no TLS, so keys and data would cross the network in the clear: set listeners.tls.cert and key or, where something in front speaks TLS, listeners.plaintext: true", name, address, address)
		}
	}
	return nil
}

// check refuses limits of a listener's own that serve nobody, or that what is behind it does not take.
func (o ListenerOwn) check(name string) error {
	at := "listeners." + name + "."
	return cmp.Or(
		within(at+"connections", o.Connections, 1, math.MaxInt),
		within(at+"connections_per_address", o.ConnectionsPerAddress, 1, math.MaxInt),
		within(at+"header_bytes", o.HeaderBytes, leastHead, math.MaxInt),
		within(at+"header_time", o.HeaderTime, leastTime, math.MaxInt64),
		within(at+"idle_time", o.IdleTime, leastTime, math.MaxInt64),
		within(at+"write_time", o.WriteTime, leastTime, math.MaxInt64),
		within(at+"body_bytes", o.BodyBytes, leastBytes, maxBodyBytes),
	)
}

// within refuses a limit that is neither 0, the common value, nor from least to most.
func within[T int | time.Duration](key string, value, least, most T) error {
	switch {
	case value == 0 || least <= value && value <= most:
		return nil
	case value < least:
		return &keyError{key, fmt.Sprintf("不能小于 %[1]v（0 为沿用）/ must not be below %[1]v (0 = the common value)", least)}
	}
	return &keyError{key, fmt.Sprintf("不能大于 %[1]v / must not be above %[1]v", most)}
}
