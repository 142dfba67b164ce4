package e2e

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Canary is a made-up person whose particulars must not leave the city, by kind
// of element.
var Canary = map[string]string{
	"id_number": "539902198503120777", "person_name": "金丝雀翎", "phone": "19900007777", "address": "金丝路七十七弄", "plate": "云Z77777",
	"birth_date": "1985-03-13", "bank_card": "6217999900007777004",
	"disability_card": "53990219850312077743", "pupil_number": "G539902198503120777", // both made of the identity number
}

// Wide is a value in characters of full width.
func Wide(value string) string {
	return strings.Map(func(r rune) rune {
		if r >= '!' && r <= '~' {
			return r - '!' + '！'
		}
		return r
	}, value)
}

// unspelled is a text with its digits, in whatever spelling, in ASCII, and without what people
// put between digits.
func unspelled(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(" -.－", r):
			return -1
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		}
		if at := slices.Index([]rune("〇一二三四五六七八九"), r); at >= 0 {
			return '0' + rune(at)
		}
		return r
	}, text)
}

// forms are the ways in which a value could leak: as it is, turned round, in
// other encodings, and as digests that anybody could compute.
func forms(value string) map[string]string {
	backwards := []rune(value)
	slices.Reverse(backwards)
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(value)
	if err != nil {
		panic(err)
	}
	sha, weak, sm := sha256.Sum256([]byte(value)), md5.Sum([]byte(value)), sm3.Sum([]byte(value))
	escaped := strings.Trim(fmt.Sprintf("%+q", value), `"`)
	return map[string]string{
		"full-width": Wide(value), "hex upper": strings.ToUpper(hex.EncodeToString([]byte(value))), "percent lower": strings.ToLower(url.QueryEscape(value)), "json upper": strings.ReplaceAll(strings.ToUpper(escaped), `\U`, `\u`),
		"gb18030 hex": hex.EncodeToString([]byte(gb)), "gb18030 percent": url.QueryEscape(gb), "gb18030 base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(gb)), "="),
		"base64 url": strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(value)), "="), "base64 shifted": inner64(value, 1), "base64 shifted twice": inner64(value, 2),
		"clear": value, "backwards": string(backwards), "base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(value)), "="),
		"hex": hex.EncodeToString([]byte(value)), "url": url.QueryEscape(value), "gb18030": gb, "json": strings.Trim(fmt.Sprintf("%+q", value), `"`),
		"sha256": hex.EncodeToString(sha[:]), "sha256 bytes": string(sha[:]), "md5": hex.EncodeToString(weak[:]), "md5 bytes": string(weak[:]),
		"sm3": hex.EncodeToString(sm[:]), "sm3 bytes": string(sm[:]),
	}
}

// inner64 is what is the same in the base64 of every text in which the value
// stands after n characters, and any that are multiples of three.
func inner64(value string, n int) string {
	text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", n) + value))
	from := (n*8 + 5) / 6
	return text[from : len(text)-2]
}

// Leaks looks for the canary's particulars in a text, but for the kinds that
// may be there.
func Leaks(text string, allowed map[string]bool) []string {
	var out []string
	plainText := unspelled(text)
	for kind, value := range Canary {
		if allowed[kind] {
			continue
		}
		for form, looked := range forms(value) {
			if strings.Contains(text, looked) {
				out = append(out, kind+" "+form)
			}
		}
		if plain := unspelled(value); len(plain) >= 11 && plain == value && strings.Contains(plainText, plain) {
			out = append(out, kind+" spelled otherwise")
		}
	}
	slices.Sort(out)
	return out
}
