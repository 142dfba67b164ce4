package marker

import (
	"crypto/md5"  // as the sender's tool does
	"crypto/sha1" // as the sender's tool does
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/yiyuan-bus/yiyuan/connectors/file/format"
)

// TestMarkers reads what the common tools write, right and wrong: a digest that is
// not understood must never count as none.
func TestMarkers(t *testing.T) {
	t.Parallel()
	const name, content = "人口.csv", "a,b\n1,\"x\ny\"\n"
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	s256 := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	other := fmt.Sprintf("%x", sha256.Sum256([]byte("other")))
	s1, m5, s512 := fmt.Sprintf("%x", sha1.Sum([]byte(content))), fmt.Sprintf("%x", md5.Sum([]byte(content))), fmt.Sprintf("%x", sha512.Sum512([]byte(content)))
	s3 := fmt.Sprintf("%x", sm3.Sum([]byte(content)))
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("\nAlgorithm       Hash                       Path\n---------       ----      ----\nSHA256          " + strings.ToUpper(s256) + `       D:\out\人口.csv` + "\n\n")
	if err != nil {
		t.Fatal(err)
	}
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("SHA256 的 人口.csv 哈希:\r\n" + s256 + "\r\nCertUtil: -hashfile 命令成功完成。\r\n")
	if err != nil {
		t.Fatal(err)
	}
	good := map[string]string{
		"empty": "", "a mark alone": "\xEF\xBB\xBF", "blank": " \r\n\n", "as documented": "sha256=" + s256 + "\nrows=1\n", "colon": "sha256: " + s256, "SHA-256": "SHA-256 = " + strings.ToUpper(s256),
		"sha256sum": s256 + "  " + name + "\n", "binary": s256 + " *" + name + "\r\n", "with its folder": s256 + "  ./out/" + name, "alone": s256, "BSD": "SHA256 (" + name + ") = " + s256, "openssl": "SHA2-256(" + name + ")= " + s256,
		"with a mark": "\xEF\xBB\xBFsha256=" + s256, "several files": other + "  a.csv\n" + s256 + "  " + name + "\n" + other + "  b.csv\n", "renamed since": s256 + "  upload.tmp",
		"md5sum": m5 + "  " + name, "sha1sum": s1 + "  " + name, "sha512sum": s512 + "  " + name, "SM3": "SM3(" + name + ")= " + s3, "SM3 alone": s3, "Get-FileHash": utf16,
		"Get-FileHash as a list": "Algorithm : SHA256\nHash      : " + s256 + "\nPath      : D:\\out\\人口.csv\n", "certutil": gbk, "size and lines": "size=12\nlines: 3\nROWS = 1", "CR alone": "sha256=" + s256 + "\rrows=1\r", "comment": "# by export 1.2\n" + s256,
	}
	bad := map[string]string{
		"a word": "ok", "a date": "2026-01-31", "no digest": "sha256=", "cut": "sha256=" + s256[:40], "no such algorithm": "crc32: 0badf00d", "other content": "sha256=" + other, "other content, sha256sum": other + "  " + name,
		"other content, BSD": "SHA256 (" + name + ") = " + other, "other content with a mark": "\xEF\xBB\xBFsha256=" + other, "all of other files": other + "  a.csv\n" + other + "  b.csv", "one of two wrong": s256 + "\n" + m5[1:] + "0", "rows": "rows=many",
		"size": "size=13", "lines": "lines=4", "length": "sha256=" + m5, "comment alone": "# done", "JSON": `{"sha256":"` + s256 + `"}`, "base64": "sha256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "two sizes": "size=12\nsize=13", "binary": "\x00\x01\x02",
	}
	check := func(text string) bool {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		view, err := format.Look(f)
		if err != nil {
			t.Fatal(err)
		}
		said, err := Parse([]byte(text))
		if err != nil {
			return false
		}
		p, err := said.Check(name, f, view)
		if err != nil {
			t.Fatal(err)
		}
		return p == nil
	}
	for what, text := range good {
		if !check(text) {
			t.Errorf("%s: refused", what)
		}
	}
	for what, text := range bad {
		if check(text) {
			t.Errorf("%s: taken", what)
		}
	}
}
