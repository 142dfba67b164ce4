package certificate_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/certificate"
)

// made is a certificate with its key, as a test writes them.
type made struct {
	*x509.Certificate
	key       *ecdsa.PrivateKey
	cert, pem string // cert is PEM; pem is its key, PKCS#8
}

var day = 24 * time.Hour

// issue makes a certificate that an authority signs, itself if there is none.
func issue(t *testing.T, name string, by *made, until time.Duration) *made {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-90 * day), NotAfter: time.Now().Add(until),
		IsCA: !strings.HasPrefix(name, "leaf"), BasicConstraintsValid: true, DNSNames: []string{"localhost"},
	}
	m := &made{key: key}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.Certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	if m.Certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	m.cert, m.pem = armour("CERTIFICATE", der), armour("PRIVATE KEY", secret)
	return m
}

func armour(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// city is an authority, one below it, a leaf, and what has nothing to do with them.
type city struct{ root, inter, leaf, other, stranger *made }

func build(t *testing.T) *city {
	t.Helper()
	c := &city{}
	c.root = issue(t, "root", nil, 900*day)
	c.inter = issue(t, "inter", c.root, 400*day)
	c.leaf = issue(t, "leaf", c.inter, 90*day)
	c.stranger = issue(t, "stranger", nil, 900*day)
	c.other = issue(t, "other", c.stranger, 400*day)
	return c
}

// TestAuthorities: a file of certificates that are trusted is taken whole or not at all,
// and what is wrong is told with its block, its line and what to do.
func TestAuthorities(t *testing.T) {
	t.Parallel()
	c := build(t)
	one, two := c.root.cert, c.stranger.cert
	lines := strings.Count(one, "\n")
	for name, x := range map[string]struct {
		text string
		want string // "" = taken
	}{
		"one":                                   {one, ""},
		"two":                                   {one + two, ""},
		"no line end at the end":                {strings.TrimSpace(one), ""},
		"an editor's mark":                      {"\uFEFF" + one, ""},
		"line ends of Windows":                  {strings.ReplaceAll(one+two, "\n", "\r\n"), ""},
		"both":                                  {"\uFEFF" + strings.ReplaceAll(one, "\n", "\r\n"), ""},
		"spaces at the ends of lines":           {strings.ReplaceAll(one, "\n", "  \n"), ""},
		"text around":                           {"# 省根证书\nSubject: x\n======\n---\n" + one + "SHA256: " + strings.Repeat("ab", 32) + "\n" + strings.Repeat("ab", 32) + "\n" + two + "end\n", ""},
		"the second cut":                        {one + two[:len(two)/2], fmt.Sprintf("block 2 (from line %d) has no end", lines+1)},
		"the first cut":                         {one[:len(one)/2] + "\n" + two, "block 1 (from line 1) has no end"},
		"cut in its BEGIN":                      {one + "-----BEGIN CERTIF", fmt.Sprintf("line %d has half a BEGIN", lines+1)},
		"what an older file left":               {one + two[len(two)/2:], "line"},
		"the head lost":                         {one + two[strings.Index(two, "\n")+1:], fmt.Sprintf("line %d looks like what is left", lines+1)},
		"indented":                              {"  " + strings.ReplaceAll(one, "\n", "\n  "), "at the very left"},
		"no Base64":                             {one + "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n", "block 2"},
		"another END":                           {strings.Replace(one, "-----END CERTIFICATE", "-----END PRIVATE KEY", 1), "block 1"},
		"no certificate in it":                  {one + armour("CERTIFICATE", c.root.Raw[:len(c.root.Raw)/2]), "block 2"},
		"more behind it in its block":           {armour("CERTIFICATE", append(bytes.Clone(c.root.Raw), 0)), "block 1"},
		"bytes behind":                          {one + "\x00\x00\x00", "nobody can read"},
		"a private key":                         {one + c.root.pem, "block 2 (from line " + fmt.Sprint(lines+1) + ") is a private key"},
		"a private key alone":                   {c.root.pem, "is a private key"},
		"a request":                             {armour("CERTIFICATE REQUEST", []byte("x")), "is a request"},
		"PKCS#7":                                {armour("PKCS7", []byte("x")), "openssl pkcs7"},
		"OpenSSL's own":                         {armour("TRUSTED CERTIFICATE", c.root.Raw), "openssl x509"},
		"a list of revoked ones":                {one + armour("X509 CRL", []byte("x")), "revoked"},
		"something unknown":                     {one + armour("SOMETHING", []byte("x")), `"SOMETHING"`},
		"DER":                                   {string(c.root.Raw), "DER"},
		"UTF-16":                                {"\xFF\xFE-\x00-\x00", "UTF-16"},
		"empty":                                 {"", "empty"},
		"an editor's mark and nothing":          {"\uFEFF\r\n", "empty"},
		"another file":                          {"listeners:\n  tls: {}\n", "no PEM"},
		"an answer of a server that was not it": {"<html>404</html>", "no PEM"},
	} {
		got, err := certificate.ParseAuthorities([]byte(x.text))
		switch {
		case x.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case x.want == "" && !got.Pool().Equal(pool(t, x.text)):
			t.Errorf("%s: not those in the file", name)
		case x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)):
			t.Errorf("%s: %v, want %q", name, err, x.want)
		}
	}
}

// pool is what the standard library makes of a sound file.
func pool(t *testing.T, text string) *x509.CertPool {
	t.Helper()
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM([]byte(strings.TrimPrefix(text, "\uFEFF"))) {
		t.Fatal("no certificate")
	}
	return p
}

// TestHalfWritten cuts a file at every byte, from either end: it is taken only where a
// certificate ends or begins.
func TestHalfWritten(t *testing.T) {
	t.Parallel()
	c := build(t)
	one, text := c.root.cert, c.root.cert+c.stranger.cert
	for n := range len(text) + 1 {
		whole := n >= len(text)-1 || n == len(one) || n == len(one)-1
		if _, err := certificate.ParseAuthorities([]byte(text[:n])); (err == nil) != whole {
			t.Errorf("the first %d bytes of %d: %v", n, len(text), err)
		}
		begins := n == 0 || n <= len(one) && n >= len(one)-len("----\n") // a few dashes are a line between texts
		if _, err := certificate.ParseAuthorities([]byte(text[n:])); (err == nil) != begins {
			t.Errorf("all but the first %d bytes of %d: %v", n, len(text), err)
		}
	}
}

// TestPair: a certificate comes with its chain, in order, and its own key.
func TestPair(t *testing.T) {
	t.Parallel()
	c := build(t)
	leaf, inter, root := c.leaf.cert, c.inter.cert, c.root.cert
	rekeyed := issue(t, "inter", c.root, 400*day) // the same name under another key
	noAuthority := issue(t, "leaf too", c.root, 400*day)
	below := issue(t, "leaf below it", noAuthority, 90*day)
	cross := issue(t, "stranger", nil, 400*day) // another root
	crossed := &made{key: c.inter.key}          // the intermediate, signed by that one too
	{
		template := *c.inter.Certificate
		template.SerialNumber = big.NewInt(7)
		der, err := x509.CreateCertificate(rand.Reader, &template, cross.Certificate, &c.inter.key.PublicKey, cross.key)
		if err != nil {
			t.Fatal(err)
		}
		crossed.cert = armour("CERTIFICATE", der)
	}
	sec1, err := x509.MarshalECPrivateKey(c.leaf.key)
	if err != nil {
		t.Fatal(err)
	}
	old := armour("EC PRIVATE KEY", sec1)
	for name, x := range map[string]struct {
		cert, key string
		want      string
		notes     int
	}{
		"no chain":                            {cert: leaf, key: c.leaf.pem},
		"its chain":                           {cert: leaf + inter, key: c.leaf.pem},
		"with the root":                       {cert: leaf + inter + root, key: c.leaf.pem},
		"two ways up":                         {cert: leaf + inter + crossed.cert, key: c.leaf.pem},
		"a root that signs none":              {cert: leaf + inter + c.stranger.cert, key: c.leaf.pem, notes: 1},
		"roots behind a leaf alone":           {cert: leaf + root + c.stranger.cert, key: c.leaf.pem, notes: 2},
		"signed by itself":                    {cert: c.stranger.cert, key: c.stranger.pem},
		"signed by itself, twice":             {cert: c.stranger.cert + c.stranger.cert, key: c.stranger.pem, notes: 1},
		"one file for both":                   {cert: c.leaf.pem + leaf + inter, key: c.leaf.pem + leaf + inter},
		"a key of the older form":             {cert: leaf, key: old},
		"a key with its parameters":           {cert: leaf, key: armour("EC PARAMETERS", []byte("x")) + old},
		"an editor's mark and Windows":        {cert: "\uFEFF" + strings.ReplaceAll(leaf+inter, "\n", "\r\n"), key: "\uFEFF" + strings.ReplaceAll(c.leaf.pem, "\n", "\r\n")},
		"the intermediate first":              {cert: inter + leaf, key: c.leaf.pem, want: "certificate: 第 2 段"},
		"the root before the intermediate":    {cert: leaf + root + inter, key: c.leaf.pem, want: "block 3 signs what stands before"},
		"an intermediate of another":          {cert: leaf + c.other.cert, key: c.leaf.pem, want: "signs no certificate before it"},
		"another's behind the right one":      {cert: leaf + inter + c.other.cert, key: c.leaf.pem, want: "block 3"},
		"of the same name under another key":  {cert: leaf + rekeyed.cert, key: c.leaf.pem, want: "new key"},
		"below what is no authority":          {cert: below.cert + noAuthority.cert, key: below.pem, want: "bears the name of block 1's issuer"},
		"the leaf twice":                      {cert: leaf + leaf + inter, key: c.leaf.pem, want: "block 1 again"},
		"the key of another leaf":             {cert: leaf + inter, key: c.other.pem, want: "certificate: 第 1 段"},
		"a private key in the certificates":   {cert: leaf + c.leaf.pem, key: c.leaf.pem, want: "certificate: 第 2 段"},
		"a key for the certificates":          {cert: c.leaf.pem, key: c.leaf.pem, want: "no certificate"},
		"the two exchanged":                   {cert: c.leaf.pem, key: leaf, want: "certificate: 第 1 段"},
		"a certificate for the key":           {cert: leaf, key: inter, want: "no private key"},
		"a key under a passphrase":            {cert: leaf, key: armour("ENCRYPTED PRIVATE KEY", []byte("x")), want: "passphrase"},
		"a key under a passphrase, old":       {cert: leaf, key: strings.Replace(old, "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1), want: "passphrase"},
		"two keys":                            {cert: leaf, key: c.leaf.pem + c.other.pem, want: "more than one"},
		"half a key":                          {cert: leaf, key: c.leaf.pem[:len(c.leaf.pem)/2], want: "key: 第 1 段"},
		"a key that is none":                  {cert: leaf, key: armour("PRIVATE KEY", []byte("x")), want: "key: 第 1 段"},
		"a public key":                        {cert: leaf, key: armour("PUBLIC KEY", []byte("x")), want: `"PUBLIC KEY"`},
		"a key in DER":                        {cert: leaf, key: string(sec1), want: "DER"},
		"the chain half written":              {cert: leaf + inter[:len(inter)/2], key: c.leaf.pem, want: "certificate: 第 2 段"},
		"a certificate in DER":                {cert: string(c.leaf.Raw), key: c.leaf.pem, want: "DER"},
		"something else behind a sound chain": {cert: leaf + inter + armour("DH PARAMETERS", []byte("x")), key: c.leaf.pem, want: `"DH PARAMETERS"`},
	} {
		got, err := certificate.ParsePair([]byte(x.cert), []byte(x.key))
		switch {
		case x.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)):
			t.Errorf("%s: %v, want %q", name, err, x.want)
		case x.want == "":
			want, err := tls.X509KeyPair([]byte(strings.TrimPrefix(x.cert, "\uFEFF")), []byte(strings.TrimPrefix(x.key, "\uFEFF")))
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got.TLS.Certificate) != fmt.Sprint(want.Certificate) || !got.TLS.Leaf.Equal(want.Leaf) || !want.PrivateKey.(*ecdsa.PrivateKey).Equal(got.TLS.PrivateKey) {
				t.Errorf("%s: another pair than the standard library reads", name)
			}
			if notes := got.Notes(time.Now()); len(notes) != x.notes {
				t.Errorf("%s: %v, want %d notes", name, notes, x.notes)
			}
		case err != nil && strings.Contains(err.Error(), "leaf below"):
			t.Errorf("%s: %v says what stands in a certificate", name, err)
		}
	}
}

// TestValidity: a chain lasts as long as the first that clients need; the roots that are
// sent along are theirs to know.
func TestValidity(t *testing.T) {
	t.Parallel()
	root := issue(t, "root", nil, -day)
	short := issue(t, "inter", root, 10*day)
	leaf := issue(t, "leaf", short, 90*day)
	p, err := certificate.ParsePair([]byte(leaf.cert+short.cert+root.cert), []byte(leaf.pem))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Ends().Equal(short.NotAfter) {
		t.Errorf("it ends %v, want with the intermediate, %v", p.Ends(), short.NotAfter)
	}
	for _, x := range []struct {
		at   time.Duration
		want []string
	}{
		{0, nil},
		{11 * day, []string{"block 2 "}},
		{91 * day, []string{"block 1 ", "block 2 "}},
		{-91 * day, []string{"is not valid before", "is not valid before"}},
	} {
		notes := p.Notes(time.Now().Add(x.at))
		if len(notes) != len(x.want) {
			t.Errorf("after %v: %v, want %q", x.at, notes, x.want)
			continue
		}
		for i, n := range notes {
			if !n.Void || !strings.Contains(n.Text, x.want[i]) {
				t.Errorf("after %v: %+v, want %q", x.at, n, x.want[i])
			}
		}
	}
	a, err := certificate.ParseAuthorities([]byte(root.cert + short.cert))
	if err != nil {
		t.Fatal(err)
	}
	if n := a.Notes(time.Now()); len(n) != 1 || n[0].Void || !strings.Contains(n[0].Text, "block 1 ") {
		t.Errorf("one of two authorities has expired: %v", n)
	}
	if n := a.Notes(time.Now().Add(11 * day)); len(n) != 1 || !n[0].Void || !strings.Contains(n[0].Text, "and 1 more") {
		t.Errorf("both authorities have expired: %v", n)
	}
}

// TestFiles: an error names the setting and the file; what is not set is the system's.
func TestFiles(t *testing.T) {
	t.Parallel()
	c, dir := build(t), t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	files := func(ca, cert, key string) certificate.Files {
		return certificate.Files{CA: certificate.File{Setting: "--ca", Path: ca}, Cert: certificate.File{Setting: "--cert", Path: cert}, Key: certificate.File{Setting: "--cert-key", Path: key}}
	}
	root, chain, key := put("root", c.root.cert), put("chain", c.leaf.cert+c.inter.cert), put("key", c.leaf.pem)
	got, err := files(root, chain, key).Load()
	if err != nil {
		t.Fatal(err)
	}
	if config := got.Config(); !config.RootCAs.Equal(pool(t, c.root.cert)) || len(config.Certificates) != 1 || config.MinVersion != tls.VersionTLS12 || len(got.Notes(time.Now())) != 0 {
		t.Errorf("config %+v", config)
	}
	if n := got.Notes(time.Now().Add(1000 * day)); len(n) != 3 || !strings.HasPrefix(n[0].Text, "--ca: ") || !strings.HasPrefix(n[1].Text, "--cert: ") || !strings.Contains(n[1].Text, chain) {
		t.Errorf("when all has expired: %v", n)
	}
	if got, err := files("", "", "").Load(); err != nil || got.Config().RootCAs != nil || got.Config().Certificates != nil {
		t.Errorf("nothing set: %v", err)
	}
	half, large := put("half", c.root.cert[:100]), put("large", strings.Repeat("#\n", certificate.Limit))
	for _, x := range []struct {
		files certificate.Files
		want  []string
	}{
		{files(half, "", ""), []string{"--ca: ", half, "block 1"}},
		{files(large, "", ""), []string{"--ca: ", large, "1 MiB"}},
		{files(filepath.Join(dir, "none"), "", ""), []string{"--ca: ", "none"}},
		{files(dir, "", ""), []string{"--ca: ", dir}},
		{files("", chain, ""), []string{"--cert", "--cert-key"}},
		{files("", "", key), []string{"--cert", "--cert-key"}},
		{files("", half, key), []string{"--cert: ", half}},
		{files("", chain, half), []string{"--cert-key: ", half}},
		{files("", chain, put("other", c.other.pem)), []string{"--cert: ", chain, "no pair"}},
	} {
		_, err := x.files.Load()
		for _, want := range x.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v, want %q", x.files, err, want)
			}
		}
	}
}
