package manifest

import (
	"slices"
	"strings"
)

// refusedMask recognises masks in use elsewhere that do not protect, and says why.
func refusedMask(id string) (reason [2]string, refused bool) {
	switch low := strings.ToLower(id); {
	case slices.Contains([]string{"hash", "md5", "sha1", "sha-1", "sha256", "sha-256", "sm3", "crc32"}, low):
		return [2]string{"不带密钥的摘要可以穷举还原", "an unkeyed hash is reversed by trying all values"}, true
	case slices.Contains([]string{"base64", "hex", "rot13", "reverse", "encode"}, low):
		return [2]string{"编码不是脱敏", "an encoding hides nothing"}, true
	case slices.Contains([]string{"fpe", "ff1", "ff3", "encrypt", "sm4", "aes"}, low):
		return [2]string{"持钥者可解密，小值域的保留格式加密可被还原", "it is undone by whoever has the key, and format-preserving encryption is broken on small domains"}, true
	case strings.HasPrefix(low, "keep") && strings.ContainsAny(low, "0123456789"):
		return [2]string{"前6后4连同校验码只剩约3千个候选", "6+4 digits and the check digit leave about 3,000 candidates"}, true
	}
	return reason, false
}
