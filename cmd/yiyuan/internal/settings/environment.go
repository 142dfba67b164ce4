package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Variable is the environment variable that sets a key.
func Variable(key string) string {
	return "YIYUAN_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// serviceLink matches what Kubernetes puts into the environment for a Service
// whose name begins with yiyuan; its ports count only with a URL as value.
var serviceLink = regexp.MustCompile(`^YIYUAN_([A-Z0-9_]+_)?(SERVICE_HOST=|SERVICE_PORT(_[A-Z0-9_]+)?=\d+$|PORT=(tcp|udp|sctp)://|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=)`)

// UnknownEnvironment refuses a YIYUAN_ variable that no key answers to: a
// misspelt one would otherwise be ignored.
func UnknownEnvironment(environ []string) error {
	var known []string
	for _, k := range AllKeys() {
		known = append(known, Variable(k))
	}
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "YIYUAN_") || slices.Contains(known, name) || serviceLink.MatchString(kv) {
			continue
		}
		if slices.ContainsFunc([]string{"YIYUAN_TEST", "YIYUAN_CACHE", "YIYUAN_CLIENT_"}, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		return fmt.Errorf("环境变量 %s 不对应任何配置项 / environment variable %s answers to no configuration key%s", name, name, Nearest(name, known))
	}
	return nil
}
