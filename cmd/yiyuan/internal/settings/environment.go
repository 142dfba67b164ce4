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

// clientVariables are what commands that ask a gateway take from the environment.
var clientVariables = []string{"YIYUAN_CLIENT_GATEWAY", "YIYUAN_CLIENT_KEY", "YIYUAN_CLIENT_PURPOSE", "YIYUAN_CLIENT_CA", "YIYUAN_CLIENT_CERT", "YIYUAN_CLIENT_CERT_KEY"}

// exampleKey is where the examples of the console have an application's key.
const exampleKey = "YIYUAN_KEY"

// UnknownEnvironment refuses a YIYUAN_ variable that no key and no flag of a client
// answers to: a misspelt one would otherwise be ignored.
func UnknownEnvironment(environ []string) error {
	known := slices.Clone(clientVariables)
	for _, k := range AllKeys() {
		known = append(known, Variable(k))
	}
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		rest, ours := strings.CutPrefix(name, "YIYUAN_")
		switch {
		case !ours, name == exampleKey, slices.Contains(known, name), serviceLink.MatchString(kv),
			strings.HasPrefix(rest, "TEST"), strings.HasPrefix(rest, "CACHE"):
			continue
		}
		meant := Nearest(name, known)
		if slices.Contains(clientVariables, "YIYUAN_CLIENT_"+rest) {
			meant = Nearest("YIYUAN_CLIENT_"+rest, clientVariables)
		}
		return fmt.Errorf("环境变量 %s 不对应任何配置项或命令选项 / environment variable %s answers to no configuration key and no flag%s", name, name, meant)
	}
	return nil
}
