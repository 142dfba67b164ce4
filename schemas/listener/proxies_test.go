package listener_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// told is who a listener takes a request to come from, "" if it refuses it.
func told(t *testing.T, proxies []string, remote string, header http.Header) string {
	t.Helper()
	trusted, err := listener.ParseProxies(proxies)
	if err != nil {
		t.Fatal(err)
	}
	client := ""
	s := listener.New(listener.Config{Name: "test", Shared: listener.Shared{TrustedProxies: trusted}}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		client = listener.CallOf(r.Context()).Client.String()
	}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.RemoteAddr = net.JoinHostPort(remote, "40000")
	for name, values := range header {
		r.Header[name] = values
	}
	s.ServeHTTP(httptest.NewRecorder(), r)
	return client
}

// naive says the same by other means: it walks back over what was written, one
// hop after the other, as RFC 7239 has it, with the older net package.
func naive(proxies []string, remote string, hops []string) string {
	trusts := func(ip net.IP) bool {
		return slices.ContainsFunc(proxies, func(p string) bool {
			if !strings.Contains(p, "/") {
				return net.ParseIP(p).Equal(ip)
			}
			_, n, err := net.ParseCIDR(p)
			return err == nil && n.Contains(ip)
		})
	}
	at := net.ParseIP(remote)
	for trusts(at) && len(hops) > 0 {
		text := strings.TrimSpace(hops[len(hops)-1])
		hops = hops[:len(hops)-1]
		next := net.ParseIP(text)
		if host, _, err := net.SplitHostPort(text); err == nil {
			next = net.ParseIP(host)
		}
		if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
			next = net.ParseIP(strings.Trim(text, "[]"))
		}
		if next == nil {
			break
		}
		at = next
	}
	if four := at.To4(); four != nil {
		at = four
	}
	return at.String()
}

// TestProxies: of what stands in the header nobody is believed but those that
// are trusted, whatever stands in it.
func TestProxies(t *testing.T) {
	t.Parallel()
	proxies := []string{"10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48"}
	addresses := []string{"10.1.2.3", "10.9.9.9", "192.0.2.7", "192.0.2.8", "203.0.113.5", "2001:db8:1::9", "2001:db8:2::9", "127.0.0.1"}
	written := slices.Concat(addresses, []string{
		"203.0.113.9:5000", "[2001:db8:2::9]:443", "[2001:db8:1::7]", "::ffff:203.0.113.5", "::ffff:10.1.1.1",
		"", "unknown", "_hidden", "10.0.0.0/8", "1.2.3", "1.2.3.4.5", "999.1.1.1", "evil; for=10.0.0.1", "%00", "10.1.2.3 10.1.2.4", "١٠.٠.٠.١",
	})
	dice := rand.New(rand.NewPCG(7, 7))
	pick := func(from []string) string { return from[dice.IntN(len(from))] }
	for range 5000 {
		remote := pick(addresses)
		var hops []string
		for range dice.IntN(5) {
			hops = append(hops, pick(written))
		}
		header := http.Header{}
		switch cut := dice.IntN(len(hops) + 1); { // as one header or two
		case len(hops) == 0:
		case cut == 0:
			header["X-Forwarded-For"] = []string{strings.Join(hops, ",")}
		default:
			header["X-Forwarded-For"] = []string{strings.Join(hops[:cut], ", "), strings.Join(hops[cut:], " , ")}
			if cut == len(hops) {
				header["X-Forwarded-For"] = header["X-Forwarded-For"][:1]
			}
		}
		if got, want := told(t, proxies, remote, header), naive(proxies, remote, hops); got != want {
			t.Fatalf("from %s, %q: %q, want %q", remote, header, got, want)
		}
		for i, hop := range hops { // the same way in RFC 7239's words
			if strings.ContainsAny(hop, ":[") {
				hop = `"` + hop + `"`
			}
			hops[i] = fmt.Sprintf("by=_x;For=%s;proto=https", hop)
		}
		if slices.ContainsFunc(hops, func(h string) bool {
			return strings.Contains(h, "evil") || strings.Contains(h, `"::`) || strings.Contains(h, `"2001`)
		}) {
			continue // a semicolon is a separator there, and an IPv6 address has its brackets
		}
		if len(hops) > 0 {
			same := http.Header{"Forwarded": {strings.Join(hops, ", ")}}
			if got, want := told(t, proxies, remote, same), told(t, proxies, remote, header); got != want {
				t.Fatalf("from %s, %q: %q, want %q", remote, same, got, want)
			}
		}
	}
	both := http.Header{"X-Forwarded-For": {"203.0.113.5"}, "Forwarded": {"for=203.0.113.6"}}
	if got := told(t, proxies, "10.1.2.3", both); got != "" {
		t.Errorf("two headers that name two clients: %q, want a refusal", got)
	}
	if got := told(t, proxies, "203.0.113.1", both); got != "203.0.113.1" {
		t.Errorf("the same from nobody's proxy: %q", got)
	}
	long := http.Header{"X-Forwarded-For": {"203.0.113.5" + strings.Repeat(",10.0.0.1", 40)}}
	if got := told(t, proxies, "10.1.2.3", long); got != "10.0.0.1" {
		t.Errorf("a way of 41 hops: %q, want the last that was looked at", got)
	}
}

// TestProxiesOfIPv4WrittenAsIPv6: they are those of IPv4, and none is wider.
func TestProxiesOfIPv4WrittenAsIPv6(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"::ffff:10.0.0.0/104": "10.0.0.0/8", "::ffff:10.1.2.3/128": "10.1.2.3/32", "::ffff:10.1.2.3": "10.1.2.3/32", "::ffff:0.0.0.0/96": "0.0.0.0/0",
		"::ffff:10.0.0.0/95": "", "2001:db8::/32": "2001:db8::/32",
	} {
		got, err := listener.ParseProxies([]string{text})
		if want == "" {
			if err == nil {
				t.Errorf("%s is taken as %v", text, got)
			}
			continue
		}
		if err != nil || len(got) != 1 || got[0].String() != want {
			t.Errorf("%s is %v, %v, want %s", text, got, err, want)
		}
	}
}
