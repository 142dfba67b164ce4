package doctor

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/schemas/listener/listenertest"
)

// TestDoctorReadsCertificates: of each listener and each service that is spoken to by TLS
// it says how long the whole chain lasts, what is not valid and what is there for nothing.
func TestDoctorReadsCertificates(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	now, authority := time.Now(), listenertest.New(t) // it lasts for an hour: whoever is shown it has it himself
	put := func(text []byte) string {
		path := filepath.Join(t.TempDir(), "ca.pem")
		listenertest.Put(t, path, text)
		return path
	}
	long, week, gone := authority.Below(now.Add(year)), authority.Below(now.Add(year/52)), authority.Below(now.Add(-time.Minute))
	for name, c := range map[string]struct {
		want string // the worst grade
		says string
		of   listenertest.Signed
		ca   []byte
	}{
		"sound":                           {want: OK, of: long.Server(now.Add(year)).With(long, authority), ca: authority.PEM},
		"an intermediate that ends soon":  {want: Warning, says: "ends soon", of: week.Server(now.Add(year)).With(week), ca: authority.PEM},
		"an intermediate that has ended":  {want: Problem, says: "block 2 ", of: gone.Server(now.Add(year)).With(gone), ca: authority.PEM},
		"a leaf that has ended":           {want: Problem, says: "block 1 ", of: long.Server(now.Add(-time.Minute)).With(long), ca: authority.PEM},
		"a root for nothing":              {want: Warning, says: "block 3 ", of: long.Server(now.Add(year)).With(long, listenertest.New(t)), ca: authority.PEM},
		"one of two authorities":          {want: Warning, says: "block 2 ", of: long.Server(now.Add(year)).With(long), ca: append(bytes.Clone(authority.PEM), gone.PEM...)},
		"a chain that is none":            {want: Problem, says: "new key", of: long.Server(now.Add(year)).With(week), ca: authority.PEM},
		"half a file, read a moment late": {want: Problem, says: "block 1 ", of: long.Server(now.Add(year)).With(long), ca: authority.PEM[:99]},
	} {
		cert, key := c.of.Write(t, t.TempDir())
		ca := put(c.ca)
		d := &doctor{cfg: settings.Config{
			Roles: []string{settings.RoleGateway}, Gateway: settings.Gateway{Listen: "127.0.0.1:1", Redis: "rediss://h:1", RedisTLS: settings.RedisTLS{CA: ca, Cert: cert, Key: key}},
			Bus:       settings.Bus{TLS: settings.BrokersTLS{Enabled: true, CA: ca, Cert: cert, Key: key}},
			Listeners: settings.Listeners{TLS: settings.ListenerTLS{Cert: cert, Key: key, ClientCA: ca}},
			Registry:  settings.Registry{URL: "http://h:1"},
		}}
		said := map[string][]Finding{}
		for _, f := range d.certificates(now) {
			said[f.Check] = append(said[f.Check], f)
		}
		for _, check := range []string{"tls.gateway", "tls.bus", "tls.redis"} {
			worst, text := OK, ""
			for _, f := range said[check] {
				if f.Grade == Problem || f.Grade == Warning && worst == OK {
					worst = f.Grade
				}
				text += f.What
			}
			if len(said[check]) == 0 || worst != c.want || !strings.Contains(text, c.says) {
				t.Errorf("%s, %s: %v, want %s with %q", name, check, said[check], c.want, c.says)
			}
		}
		if len(said) != 3 {
			t.Errorf("%s: %v", name, said)
		}
	}
	d := &doctor{cfg: settings.Config{Bus: settings.Bus{TLS: settings.BrokersTLS{Enabled: true, CA: put(authority.PEM)}}}}
	if got := d.certificates(now); len(got) != 1 || got[0].Check != "tls.bus" || got[0].Grade != OK {
		t.Errorf("authorities alone: %v", got)
	}
}
