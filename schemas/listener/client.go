package listener

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxHops bounds how many addresses of X-Forwarded-For are looked at.
const maxHops = 32

// clientOf is the address a request comes from: the connection's own, or, if that
// is a trusted proxy's, the last one on the way that is not. ok is false where
// two headers name two clients: whoever wrote one of them is not to be believed.
func clientOf(r *http.Request, trusted []netip.Prefix) (client netip.Addr, ok bool) {
	client = addressOf(r.RemoteAddr)
	if !contains(trusted, client) {
		return client, true
	}
	by := lastUntrusted(client, hops(r.Header.Values("X-Forwarded-For")), trusted)
	if len(r.Header.Values("Forwarded")) == 0 {
		return by, true
	}
	other := lastUntrusted(client, forwardedFor(r.Header.Values("Forwarded")), trusted)
	if len(r.Header.Values("X-Forwarded-For")) == 0 {
		return other, true
	}
	return by, by == other
}

func lastUntrusted(client netip.Addr, hops []string, trusted []netip.Prefix) netip.Addr {
	for i := len(hops) - 1; i >= max(0, len(hops)-maxHops); i-- {
		a := addressOf(hops[i])
		if !a.IsValid() {
			return client // what stands before it was written by somebody who cannot write addresses
		}
		client = a
		if !contains(trusted, a) {
			return client
		}
	}
	return client
}

func hops(values []string) []string {
	var out []string
	for _, v := range values {
		for hop := range strings.SplitSeq(v, ",") {
			out = append(out, strings.TrimSpace(hop))
		}
	}
	return out
}

// forwardedFor returns the parameters for= of RFC 7239 in order.
func forwardedFor(values []string) []string {
	var out []string
	for _, hop := range hops(values) {
		found := ""
		for pair := range strings.SplitSeq(hop, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if strings.EqualFold(name, "for") {
				found = strings.Trim(value, `"`)
			}
		}
		out = append(out, found)
	}
	return out
}

// addressOf reads an address with or without a port; IPv4 in IPv6 is IPv4.
func addressOf(text string) netip.Addr {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.WithZone("").Unmap()
}

func contains(all []netip.Prefix, a netip.Addr) bool {
	return a.IsValid() && slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Neighbourhood is what an address shares with those its owner may have as well:
// /24 of IPv4, /64 of IPv6.
func Neighbourhood(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	bits := 64
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// share is the name under which an address has its places: one customer of a
// provider has a whole /64 of IPv6.
func share(a netip.Addr) string {
	if a.Is6() {
		return Neighbourhood(a)
	}
	return a.String()
}

// ParseProxies reads a list of addresses and prefixes. IPv4 that is written as IPv6
// (::ffff:10.0.0.0/104) is IPv4.
func ParseProxies(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, err := netip.ParseAddr(text)
			if err != nil {
				return nil, err //nolint:wrapcheck // it quotes the text
			}
			p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		}
		if a := p.Addr(); a.Is4In6() { // a client's address is compared as IPv4
			if p = netip.PrefixFrom(a.Unmap(), p.Bits()-96); !p.IsValid() {
				return nil, fmt.Errorf("%q: 前缀比整个 IPv4 还宽 / the prefix is wider than all of IPv4", text)
			}
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// hostIsOurs reports whether Host names this server: a listed name, or an
// address of this machine on which the request came in. An address cannot be
// rebound to another, a name can.
func (s *Server) hostIsOurs(r *http.Request) bool {
	if len(s.cfg.Hosts) == 0 && !s.cfg.OwnHost {
		return true
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if slices.ContainsFunc(s.cfg.Hosts, func(name string) bool { return strings.EqualFold(name, host) }) {
		return true
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return host == "localhost" || addressOf(host).IsLoopback()
	}
	own := addressOf(local.String())
	if own.IsLoopback() {
		return host == "localhost" || addressOf(host).IsLoopback()
	}
	return addressOf(host) == own
}

// fromOtherSite reports whether a browser says that another site makes the call.
func fromOtherSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	_, host, found := strings.Cut(origin, "://")
	return !found || !strings.EqualFold(host, r.Host)
}

// changes reports whether a method is one that changes something.
func changes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}
