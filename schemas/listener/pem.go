package listener

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Certificates reads a file of certificates in PEM: all of it, or none. A block that
// is cut, cannot be decoded or holds no certificate is an error, where the standard
// library skips it. Blocks of another kind are let be, and text between blocks is too.
func Certificates(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	blocks, rest := 0, text
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		blocks++
		if block.Type != "CERTIFICATE" {
			continue
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("第 %[1]d 段不是证书 / block %[1]d is no certificate: %[2]w", blocks, err)
		}
		all = append(all, one)
	}
	if begun := bytes.Count(text, []byte("-----BEGIN")); begun != blocks {
		return nil, fmt.Errorf("有 %[1]d 段 PEM，只读得出 %[2]d 段 / %[1]d PEM blocks begin and %[2]d are whole", begun, blocks)
	}
	if len(all) == 0 {
		return nil, errors.New("文件中没有证书 / the file holds no certificate")
	}
	return all, nil
}
