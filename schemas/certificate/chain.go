package certificate

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

var (
	errNoCertificate = errors.New("文件中没有证书 / the file holds no certificate")
	errNotIssuer     = errors.New("not its issuer")
)

// Note is what is to be said of certificates that can be read.
type Note struct {
	Text string // Chinese, then English
	Void bool   // whoever is shown it refuses: it is not, or no longer, valid
}

// read is a certificate and where it stands in its file.
type read struct {
	*x509.Certificate
	at block
}

func certificates(all []block, keys bool) ([]read, error) {
	var out []read
	for _, b := range all {
		if keys && (b.private() || b.parameters()) {
			continue
		}
		one, err := b.certificate()
		if err != nil {
			return nil, err
		}
		out = append(out, read{one, b})
	}
	if len(out) == 0 {
		return nil, errNoCertificate
	}
	return out, nil
}

func (r read) note(now time.Time) (Note, bool) {
	switch {
	case now.After(r.NotAfter):
		t := r.NotAfter.UTC().Format(time.RFC3339)
		return Note{r.at.fault("的证书已于 "+t+" 过期", "holds a certificate that expired at "+t).Error(), true}, true
	case now.Before(r.NotBefore):
		t := r.NotBefore.UTC().Format(time.RFC3339)
		return Note{r.at.fault("的证书自 "+t+" 才生效（也请核对本机时钟）", "holds a certificate that is not valid before "+t+" (is this machine's clock right?)").Error(), true}, true
	}
	return Note{}, false
}

// linked holds a chain together: each certificate behind the leaf signs one that stands
// before it. It returns how many do: those behind are roots that sign nothing here.
func linked(chain []read) (useful int, err error) {
	for i := 1; i < len(chain); i++ {
		if signsOne(chain[i], chain[:i]) {
			continue
		}
		if roots(chain[i:]) {
			return i, nil
		}
		return 0, astray(chain, i)
	}
	return len(chain), nil
}

// signs is nil if a certificate is signed by another, and else says why it is not.
func (r read) signs(other read) error {
	if !bytes.Equal(r.RawSubject, other.RawIssuer) {
		return errNotIssuer
	}
	return other.CheckSignatureFrom(r.Certificate)
}

func signsOne(r read, before []read) bool {
	for _, other := range before {
		if !r.Equal(other.Certificate) && r.signs(other) == nil {
			return true
		}
	}
	return false
}

// root reports whether a certificate is of the authority that it names itself.
func (r read) root() bool { return bytes.Equal(r.RawSubject, r.RawIssuer) }

func roots(rest []read) bool {
	for _, r := range rest {
		if !r.root() {
			return false
		}
	}
	return true
}

// astray says why a certificate does not belong where it stands.
func astray(chain []read, i int) error {
	c := chain[i].at
	for _, before := range chain[:i] {
		if chain[i].Equal(before.Certificate) {
			return c.fault(fmt.Sprintf("与第 %d 段是同一张证书：去掉它", before.at.number), fmt.Sprintf("is the certificate of block %d again: take it out", before.at.number))
		}
	}
	for _, later := range chain[i+1:] {
		if signsOne(later, chain[:i]) {
			return c.fault(fmt.Sprintf("顺序不对：签发前面证书的是第 %d 段，它应排在这里", later.at.number),
				fmt.Sprintf("is out of order: block %d signs what stands before, and belongs here", later.at.number))
		}
	}
	for _, before := range chain[:i] {
		if err := chain[i].signs(before); !errors.Is(err, errNotIssuer) {
			return fmt.Errorf("%w: %w", c.fault(fmt.Sprintf("与第 %d 段的签发者同名，却签发不了它（CA 换过密钥？）：换成签发它的那张中间证书", before.at.number),
				fmt.Sprintf("bears the name of block %d's issuer and cannot have signed it (has the authority a new key?): use the intermediate that did", before.at.number)), err)
		}
	}
	return c.fault("没有签发前面任何一张证书：换成签发它们的 CA 的中间证书，或去掉这一段", "signs no certificate before it: use the intermediate of the authority that issued them, or take it out")
}
