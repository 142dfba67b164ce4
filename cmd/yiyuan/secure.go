package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// maxBodyBytes is what a request's body may be at most: what is behind the
// listeners holds it in memory, and is built for no more.
const maxBodyBytes = 1 << 20

// own is what each listener has of its own, by its name.
func (c *listenersConfig) own() map[string]listenerOwn {
	return map[string]listenerOwn{"gateway": c.Gateway, "push": c.Push, "registry": c.Registry, "admin": c.Admin}
}

func (o listenerOwn) limits() listener.Limits {
	return listener.Limits{
		Connections: o.Connections, ConnectionsPerAddress: o.ConnectionsPerAddress, HeaderBytes: o.HeaderBytes, HeaderTime: o.HeaderTime,
		IdleTime: o.IdleTime, WriteTime: o.WriteTime, BodyBytes: int64(o.BodyBytes),
	}
}

// files is what a listener speaks TLS with: its own certificate, else that of all.
func (c *listenersConfig) files(name string) listenerTLS {
	own := c.own()[name].TLS
	if own.Cert == "" && own.Key == "" {
		ca := own.ClientCA
		if own = c.TLS; ca != "" {
			own.ClientCA = ca
		}
	}
	return own
}

// open reads the certificate, nil if the listener speaks plain text.
func (f listenerTLS) open() (*listener.TLS, error) {
	switch {
	case f == listenerTLS{}:
		return nil, nil
	case f.Cert == "" || f.Key == "":
		return nil, errors.New("cert 与 key 须一起设 / set cert and key together")
	}
	return listener.OpenTLS(listener.Files{Cert: f.Cert, Key: f.Key, ClientCA: f.ClientCA})
}

// doors are the listeners that the configuration opens, with their addresses.
func (c *config) doors() map[string]string {
	out := map[string]string{"admin": c.Admin.Listen}
	if c.Registry.URL == "" {
		out["registry"] = c.Registry.Listen
	}
	if c.has(roleGateway) {
		out["gateway"] = c.Gateway.Listen
	}
	if c.has(roleConnectors) {
		out["push"] = c.Push.Listen
	}
	maps.DeleteFunc(out, func(_, address string) bool { return address == "" })
	return out
}

// checkDoors refuses a certificate that cannot be used, and a listener that others
// than this machine reach and that speaks plain text, unless that is meant.
func (c *config) checkDoors() error {
	doors := c.doors()
	for _, name := range slices.Sorted(maps.Keys(c.Listeners.own())) {
		own := c.Listeners.own()[name]
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
		own.TLS = c.Listeners.files(name)
		secure, err := own.TLS.open()
		if err != nil {
			return fmt.Errorf("listeners.tls (%s): 证书用不了 / the certificate cannot be used: %w", name, err)
		}
		if secure == nil && !c.Listeners.Plaintext && !onThisMachine(address) {
			return fmt.Errorf("%s.listen: %s 不是本机地址，而端口没有 TLS，密钥与数据会以明文经过网络；请设 listeners.tls.cert 与 key，或（前面另有 TLS 时）设 listeners.plaintext: true / "+
				"%s is no address of this machine alone and the listener has no TLS, so keys and data would cross the network in the clear: set listeners.tls.cert and key or, where something in front speaks TLS, listeners.plaintext: true", name, address, address)
		}
	}
	return nil
}

// secure opens the certificates of all listeners and says which of them speak
// plain text to others than this machine.
func (a *app) secure() error {
	for name, address := range a.cfg.doors() {
		secure, err := a.cfg.Listeners.files(name).open()
		if err != nil {
			return fmt.Errorf("listeners.tls (%s): %w", name, err)
		}
		own := a.shared.Own[name]
		own.TLS = secure
		a.shared.Own[name] = own
		switch {
		case secure == nil && !onThisMachine(address):
			a.log.Warn("listener speaks plain text beyond this machine, because listeners.plaintext says so: keys and data can be read on the way", "listener", name, "address", address)
		case secure != nil:
			a.shared.Metrics.Expires(name, secure.Expires())
			if left := time.Until(secure.Expires()); left < 14*day {
				a.log.Error("certificate has expired or soon will", "listener", name, "expires", secure.Expires())
			}
		}
	}
	return nil
}

// followCertificates puts new certificates in force while the process runs.
func (a *app) followCertificates(ctx context.Context) {
	for name, own := range a.shared.Own {
		if own.TLS == nil {
			continue
		}
		setting := "listeners.tls (" + name + ")"
		up := a.settings.WithLabelValues(setting)
		up.Set(1)
		a.start(ctx, setting, func(ctx context.Context) error {
			own.TLS.Follow(ctx, func() {
				a.shared.Metrics.Expires(name, own.TLS.Expires())
				a.log.Info("certificate is in force", "listener", name, "expires", own.TLS.Expires())
			}, func(err error) {
				if err != nil {
					up.Set(0)
					a.log.Error("certificate cannot be used, the one before stays in force", "listener", name, "error", err, "expires", own.TLS.Expires())
					return
				}
				up.Set(1)
			})
			return nil
		})
	}
}

// scheme is how the address of a listener begins.
func (a *app) scheme(name string) string {
	if a.shared.Own[name].TLS != nil {
		return "https://"
	}
	return "http://"
}
