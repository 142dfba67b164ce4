package settings

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"
)

// secret follows env:NAME and file:PATH; anything else is returned as it is.
func secret(ref string) (string, error) {
	if name, ok := strings.CutPrefix(ref, "env:"); ok {
		value, set := os.LookupEnv(name)
		if !set {
			return "", fmt.Errorf("环境变量没有设置 / environment variable %q is not set", name)
		}
		return value, nil
	}
	if path, ok := strings.CutPrefix(ref, "file:"); ok {
		b, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("read secret: %w", err)
		}
		if !utf8.Valid(b) || bytes.HasPrefix(b, []byte("\ufeff")) || bytes.IndexByte(b, 0) >= 0 {
			return "", errNoText
		}
		return strings.TrimSpace(string(b)), nil
	}
	return ref, nil
}

// errNoText is of what an editor puts into a file unasked: nobody who sends the secret sends that.
var errNoText = errors.New("文件须是 UTF-8 文本，开头没有字节顺序标记：请另存为无 BOM 的 UTF-8 / want a file of UTF-8 text without a byte order mark: save it as UTF-8 without BOM")

var errShortSecret = errors.New("至少须有 20 个字符，且为一行 / want one line of 20 characters at least")

// SecretFile reads a secret that callers send as a bearer key.
func SecretFile(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("密钥文件读不了 / read secret: %w", err)
	}
	return ParseSecret(b)
}

// ParseSecret is the secret in the text of its file.
func ParseSecret(b []byte) (string, error) {
	text := strings.TrimSpace(string(b))
	if strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf || r == 0 }) { // a header takes no such
		return "", errNoText
	}
	if len(text) < 20 || strings.ContainsAny(text, " \t\r\n") {
		return "", errShortSecret
	}
	return text, nil
}

// SameSecret compares without telling by its time how much was right.
func SameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
