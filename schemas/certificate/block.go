package certificate

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// block is one PEM block of a file.
type block struct {
	number, line int // counted from 1; the line of its BEGIN
	kind         string
	locked       bool // encrypted under a passphrase
	der          []byte
}

// fault says what is wrong with a block, and where it is.
func (b block) fault(zh, en string) error {
	return fmt.Errorf("第 %d 段（第 %d 行起）%s / block %d (from line %d) %s", b.number, b.line, zh, b.number, b.line, en)
}

func faultAt(line int, zh, en string) error {
	return fmt.Errorf("第 %d 行%s / line %d %s", line, zh, line, en)
}

// What to do about a file that was not written to its end.
const (
	rewriteZH = "文件没有写完或已损坏，请整份重新写入"
	rewriteEN = "the file is half written or damaged: write all of it again"
)

var (
	errEmpty = errors.New("文件是空的 / the file is empty")
	errUTF16 = errors.New("文件是 UTF-16，请另存为 UTF-8 / the file is UTF-16: save it as UTF-8")
	errDER   = errors.New("文件是 DER（二进制），不是 PEM；证书用 openssl x509 -inform DER -in FILE -out FILE.pem 转换，私钥用 openssl pkey，.p12 用 openssl pkcs12 -nodes / " +
		"the file is DER, not PEM: convert a certificate by openssl x509 -inform DER -in FILE -out FILE.pem, a key by openssl pkey, a .p12 by openssl pkcs12 -nodes")
	errNoPEM = errors.New("文件中没有 PEM（没有 -----BEGIN 行），确认路径是证书或私钥的文件 / the file holds no PEM (no line begins with -----BEGIN): is the path that of a certificate or a key?")
)

var (
	begin = []byte("-----BEGIN ")
	end   = []byte("-----END ")
	rule  = []byte("-----")
)

// blocks reads all of a file or nothing. An editor's byte order mark, line ends of either
// kind and readable text around blocks say nothing; a block that is cut, and what looks
// like a piece of one, is an error.
func blocks(text []byte) ([]block, error) {
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return nil, errEmpty
	case bytes.HasPrefix(text, []byte("\xFF\xFE")), bytes.HasPrefix(text, []byte("\xFE\xFF")):
		return nil, errUTF16
	case text[0] == 0x30 && len(text) > 1 && (text[1] >= 0x80 || int(text[1]) == len(text)-2):
		return nil, errDER
	case !bytes.Contains(text, begin):
		return nil, errNoPEM
	}
	var (
		all          []block
		open         *block
		at, from, to = 0, 0, 0
	)
	for line := range bytes.Lines(text) {
		at++
		start := to
		to += len(line)
		bare := bytes.TrimRight(line, " \t\r\n")
		switch {
		case open == nil && bytes.HasPrefix(bare, begin):
			kind, whole := bytes.CutSuffix(bare[len(begin):], rule)
			if !whole {
				return nil, faultAt(at, "的 BEGIN 不完整："+rewriteZH, "has half a BEGIN: "+rewriteEN)
			}
			open, from = &block{number: len(all) + 1, line: at, kind: string(kind)}, start
		case open == nil:
			if err := between(at, line); err != nil {
				return nil, err
			}
		case bytes.HasPrefix(bare, begin):
			return nil, open.fault(fmt.Sprintf("没有结尾，第 %d 行又是一段：%s", at, rewriteZH), fmt.Sprintf("has no end, and another begins on line %d: %s", at, rewriteEN))
		case bytes.HasPrefix(bare, end):
			decoded, rest := pem.Decode(text[from:to])
			if decoded == nil || len(bytes.TrimSpace(rest)) > 0 {
				return nil, open.fault("不是完好的 PEM："+rewriteZH, "is no sound PEM: "+rewriteEN)
			}
			open.der, open.locked = decoded.Bytes, strings.Contains(decoded.Headers["Proc-Type"], "ENCRYPTED") || open.kind == "ENCRYPTED PRIVATE KEY"
			all, open = append(all, *open), nil
		}
	}
	if open != nil {
		return nil, open.fault("没有结尾："+rewriteZH, "has no end: "+rewriteEN)
	}
	return all, nil
}

// between refuses what can be no text around blocks: what is left of a block, and
// what nobody can read.
func between(at int, line []byte) error {
	bare := bytes.TrimSpace(line)
	switch {
	case bytes.Contains(bare, begin), bytes.Contains(bare, end), bytes.HasPrefix(bare, rule), bytes.HasSuffix(bare, rule):
		return faultAt(at, "有不属于任何一段的 -----（BEGIN 与 END 须顶格、成对）："+rewriteZH, "has ----- that belongs to no block (BEGIN and END stand at the very left, in pairs): "+rewriteEN)
	case len(bare) > 0 && len(bytes.Trim(bare, "-")) == 0 && line[len(line)-1] != '\n':
		return faultAt(at, "在一串 - 中间断了："+rewriteZH, "breaks off within dashes: "+rewriteEN)
	case bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\r\n\f", r) }):
		return faultAt(at, "有不可读的字节："+rewriteZH, "has bytes that nobody can read: "+rewriteEN)
	case encoded(bare):
		return faultAt(at, "像是一段 PEM 的残余，却没有 BEGIN："+rewriteZH, "looks like what is left of a block without its BEGIN: "+rewriteEN)
	}
	return nil
}

// encoded reports whether a line is Base64 as it stands in blocks. A digest in
// hexadecimal digits has letters of one case only.
func encoded(line []byte) bool {
	const least = 60
	upper, lower := false, false
	for _, c := range line {
		switch {
		case c >= 'A' && c <= 'Z':
			upper = true
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= '0' && c <= '9', c == '+', c == '/', c == '=':
		default:
			return false
		}
	}
	return len(line) >= least && upper && lower
}

func (b block) private() bool { return strings.HasSuffix(b.kind, "PRIVATE KEY") }

// parameters reports whether a block stands beside keys and says nothing that is needed.
func (b block) parameters() bool { return b.kind == "EC PARAMETERS" || b.kind == "DH PARAMETERS" }

// certificate reads a block that is to be a certificate.
func (b block) certificate() (*x509.Certificate, error) {
	switch {
	case b.kind == "CERTIFICATE":
		one, err := x509.ParseCertificate(b.der)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", b.fault("不是能用的证书（损坏，或是本程序不支持的算法，如国密 SM2）：换掉或去掉这一段",
				"is no certificate that can be used (damaged, or of an algorithm that is not supported, such as SM2): replace it or take it out"), err)
		}
		return one, nil
	case b.private():
		return nil, b.fault("是私钥，这里应是证书：私钥放在它自己的文件里", "is a private key where certificates belong: it has a file of its own")
	case strings.HasSuffix(b.kind, "CERTIFICATE REQUEST"):
		return nil, b.fault("是签发请求，不是证书：放 CA 签回的文件", "is a request, not a certificate: use what the authority has made of it")
	case b.kind == "TRUSTED CERTIFICATE" || b.kind == "X509 CERTIFICATE":
		return nil, b.fault("是 OpenSSL 自用的形式：用 openssl x509 -in FILE -out FILE.pem 转换", "has a form of OpenSSL's own: convert it by openssl x509 -in FILE -out FILE.pem")
	case b.kind == "PKCS7" || b.kind == "CMS":
		return nil, b.fault("是 PKCS#7：用 openssl pkcs7 -print_certs -in FILE -out FILE.pem 转换", "is PKCS#7: convert it by openssl pkcs7 -print_certs -in FILE -out FILE.pem")
	case b.kind == "X509 CRL":
		return nil, b.fault("是吊销列表，本程序不查它：去掉这一段", "is a list of revoked certificates, which is not looked at: take it out")
	}
	return nil, b.fault(fmt.Sprintf("是 %.40q，不是证书：去掉这一段", b.kind), fmt.Sprintf("is %.40q, not a certificate: take it out", b.kind))
}
