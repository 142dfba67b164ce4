package dsn

import (
	"bytes"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/schemas/listener/listenertest"
)

// TestCertificates: the files of TLS that a connection string of either form or the
// environment names are read whole or not at all, and named when they cannot be.
func TestCertificates(t *testing.T) {
	authority, dir := listenertest.New(t), t.TempDir()
	put := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		listenertest.Put(t, path, text)
		return path
	}
	ca, half := put("ca", authority.PEM), put("half of it", append(bytes.Clone(authority.PEM), authority.PEM[:200]...))
	marked := put("marked", append([]byte("\uFEFF"), authority.PEM...))
	cert, key := authority.Client(time.Now().Add(time.Hour), nil, nil).Write(t, t.TempDir())
	_, other := authority.Client(time.Now().Add(time.Hour), nil, nil).Write(t, t.TempDir())
	for _, c := range []struct {
		set, env map[string]string
		want     []string // none = taken
	}{
		{set: map[string]string{}},
		{set: map[string]string{"sslrootcert": ca, "sslcert": cert, "sslkey": key}},
		{set: map[string]string{"sslrootcert": "system"}},
		{set: map[string]string{"sslrootcert": half, "sslmode": "disable"}},
		{set: map[string]string{"sslrootcert": ca, "sslcert": cert, "sslkey": other, "sslcertmode": "disable"}},
		{set: map[string]string{"sslrootcert": half}, want: []string{"sslrootcert: ", half, "block 2 "}},
		{set: map[string]string{"sslrootcert": half, "sslmode": "verify-full"}, want: []string{"block 2 "}},
		{set: map[string]string{"sslrootcert": key}, want: []string{"sslrootcert: ", "private key"}},
		{set: map[string]string{"sslrootcert": marked}, want: []string{"sslrootcert: ", marked, "byte order mark"}},
		{set: map[string]string{"sslrootcert": ca + "x"}, want: []string{"sslrootcert: ", ca + "x"}},
		{set: map[string]string{"sslcert": cert, "sslkey": other}, want: []string{"sslcert: ", cert, "no pair"}},
		{set: map[string]string{"sslcert": cert}, want: []string{"sslcert", "sslkey", "together"}},
		{env: map[string]string{"PGSSLROOTCERT": half}, want: []string{"PGSSLROOTCERT: ", half, "block 2 "}},
	} {
		for name, value := range c.env {
			t.Setenv(name, value)
		}
		query, words := url.Values{}, "host = h user='u' "
		for name, value := range c.set {
			query.Set(name, value)
			words += name + "='" + value + "' "
		}
		for _, dsn := range []string{"postgres://u@h:1,h2:2/d?" + strings.ReplaceAll(query.Encode(), "+", "%20"), words} {
			err := CheckCertificates(dsn)
			if len(c.want) == 0 && err != nil {
				t.Errorf("%s: %v", dsn, err)
			}
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v, want %q", dsn, err, want)
				}
			}
		}
		for name := range c.env {
			t.Setenv(name, "")
		}
	}
}

// TestKeywords holds the reading of a connection string against the driver's.
func TestKeywords(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		`host=h user=u dbname=d`, `host = 'h' user='a b' dbname = 'it\'s'`, "\n host=h\tuser=a\\ b dbname=d\n", `host=h user='' dbname=d`,
		`postgres://u@h/d?application_name=a%20b+c`, `postgres://u@h:1,i:2/d?user=v&user=w`, `postgresql://h/?user=u&dbname=d`,
	} {
		want, err := pgconn.ParseConfig(dsn)
		if err != nil {
			t.Fatalf("%s: %v", dsn, err)
		}
		got := keywords(dsn)
		for key, value := range map[string]string{"user": want.User, "dbname": want.Database, "application_name": want.RuntimeParams["application_name"]} {
			if set, ok := got[key]; ok && set != "" && set != value {
				t.Errorf("%q: %s is %q, the driver reads %q", dsn, key, set, value)
			}
		}
		if !strings.HasPrefix(dsn, "postgres") && (got["host"] != want.Host || got["dbname"] != want.Database) {
			t.Errorf("%q: %v", dsn, got)
		}
	}
	for _, dsn := range []string{"", "x", "=", "a", "postgres://%zz", "a='", `a=\`} {
		keywords(dsn) // ends
	}
}
