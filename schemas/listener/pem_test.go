package listener

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
)

// TestHalfWrittenCertificates: a file of certificates is read whole or not at all, as a
// chain and as client authorities.
func TestHalfWrittenCertificates(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	one := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	dir := t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keyFile := put("key", private)
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"one":                {one, true},
		"two":                {one + "# the other\n" + one, true},
		"second cut":         {one + one[:len(one)/2], false},
		"second undecodable": {one + "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n", false},
		"second parses not":  {one + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der[:len(der)/2]})), false},
		"first cut":          {one[:len(one)/2] + "\n" + one, false},
	} {
		if _, err := OpenTLS(Files{Cert: put("chain", c.text), Key: keyFile}); (err == nil) != c.ok {
			t.Errorf("%s as a chain: %v", name, err)
		}
		if _, err := OpenTLS(Files{Cert: put("cert", one), Key: keyFile, ClientCA: put("ca", c.text)}); (err == nil) != c.ok {
			t.Errorf("%s as authorities: %v", name, err)
		}
	}
}
