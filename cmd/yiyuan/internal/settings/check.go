package settings

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
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
		return errors.New("keys.file: 数据留存在本进程之外(bus.brokers、bus.embedded.data 或 gateway.redis)时必须指定密钥文件，否则重启后令牌和缓存键会变 / is needed when data outlives the process, or tokens and cache keys would change at a restart (create one: yiyuan keys generate FILE)")
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
		for _, n := range []struct {
			key          string
			value, least int
		}{{"header_bytes", own.HeaderBytes, leastHead}, {"body_bytes", own.BodyBytes, leastBytes}} {
			if n.value > 0 && n.value < n.least {
				return &keyError{"listeners." + name + "." + n.key, fmt.Sprintf("不能小于 %[1]d（0 为沿用） / must not be below %[1]d (0 = the common value)", n.least)}
			}
		}
		for key, value := range map[string]time.Duration{"header_time": own.HeaderTime, "idle_time": own.IdleTime, "write_time": own.WriteTime} {
			if value > 0 && value < leastTime {
				return &keyError{"listeners." + name + "." + key, fmt.Sprintf("不能小于 %v（0 为沿用）/ must not be below %v (0 = the common value)", leastTime, leastTime)}
			}
		}
		for key, value := range map[string]int64{
			"connections": int64(own.Connections), "connections_per_address": int64(own.ConnectionsPerAddress), "header_bytes": int64(own.HeaderBytes),
			"header_time": int64(own.HeaderTime), "idle_time": int64(own.IdleTime), "write_time": int64(own.WriteTime), "body_bytes": int64(own.BodyBytes),
		} {
			if value < 0 || key == "body_bytes" && value > maxBodyBytes {
				return fmt.Errorf("listeners.%s.%s: 须为 0（沿用）或正数，body_bytes 不超过 %d / want 0 for the common value or a positive one, body_bytes %d at most", name, key, maxBodyBytes, maxBodyBytes)
			}
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
