package settings

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Shared is what all listeners of a process have in common, but for their certificates.
func (c *Listeners) Shared(reg prometheus.Registerer) (listener.Shared, error) {
	proxies, err := listener.ParseProxies(c.TrustedProxies)
	if err != nil {
		return listener.Shared{}, fmt.Errorf("listeners.trusted_proxies: 须为地址或前缀，如 10.0.0.0/8 / want addresses or prefixes: %w", err)
	}
	out := listener.Shared{TrustedProxies: proxies, Hosts: c.Hosts, Limits: listener.Limits{
		Connections: c.Connections, ConnectionsPerAddress: c.ConnectionsPerAddress, Requests: c.Requests, RequestsPerKey: c.RequestsPerKey,
		RequestsPerDepartment: c.RequestsPerDepartment, StrangersPerAddress: c.StrangersPerAddress, BodyRate: c.BodyRate, BodyGrace: c.BodyGrace,
		Strangers: c.Strangers, HeaderBytes: c.HeaderBytes, HeaderTime: c.HeaderTime, IdleTime: c.IdleTime,
	}, Own: map[string]listener.Own{}}
	for name, own := range c.own() {
		out.Own[name] = listener.Own{Limits: own.limits()}
	}
	if reg != nil {
		out.Metrics = listener.NewMetrics(reg)
	}
	return out, nil
}

// OnThisMachine reports whether nobody else can reach an address.
func OnThisMachine(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// own is what each listener has of its own, by its name.
func (c *Listeners) own() map[string]ListenerOwn {
	return map[string]ListenerOwn{"gateway": c.Gateway, "push": c.Push, "registry": c.Registry, "admin": c.Admin}
}

func (o ListenerOwn) limits() listener.Limits {
	return listener.Limits{
		Connections: o.Connections, ConnectionsPerAddress: o.ConnectionsPerAddress, HeaderBytes: o.HeaderBytes, HeaderTime: o.HeaderTime,
		IdleTime: o.IdleTime, WriteTime: o.WriteTime, BodyBytes: int64(o.BodyBytes),
	}
}

// Files is what a listener speaks TLS with: what its own block does not set is that of
// all, cert and key as a pair. The authorities of all are the gateway's, where a
// certificate may stand for a key; another listener demands one only by its own block.
func (c *Listeners) Files(name string) ListenerTLS {
	own := c.own()[name].TLS
	if own.Cert == "" && own.Key == "" {
		own.Cert, own.Key = c.TLS.Cert, c.TLS.Key
	}
	if own.ClientCA == "" && name == "gateway" {
		own.ClientCA = c.TLS.ClientCA
	}
	return own
}

// Open reads the certificate of a listener, nil if it speaks plain text.
func (f ListenerTLS) Open(name string) (*listener.TLS, error) {
	switch {
	case f == ListenerTLS{}:
		return nil, nil
	case f.Cert == "" || f.Key == "":
		return nil, errors.New("cert 与 key 须一起设 / set cert and key together")
	}
	return listener.OpenTLS(listener.Files{Cert: f.Cert, Key: f.Key, ClientCA: f.ClientCA, Demand: name != "gateway"})
}

// AdminURL is where operators ask a process of this configuration on its own machine: ""
// if it opens no such listener, or at a port that it alone knows.
func (c *Config) AdminURL() string {
	host, port, err := net.SplitHostPort(c.Admin.Listen)
	if err != nil || port == "0" {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http://"
	if c.Listeners.Files("admin").Cert != "" {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, port)
}

// Doors are the listeners that the configuration opens, with their addresses.
func (c *Config) Doors() map[string]string {
	out := map[string]string{"admin": c.Admin.Listen}
	if c.Registry.URL == "" {
		out["registry"] = c.Registry.Listen
	}
	if c.Has(RoleGateway) {
		out["gateway"] = c.Gateway.Listen
	}
	if c.Has(RoleConnectors) {
		out["push"] = c.Push.Listen
	}
	maps.DeleteFunc(out, func(_, address string) bool { return address == "" })
	return out
}
