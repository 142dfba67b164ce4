package e2e

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// CommandsExist holds every command that a text tells a person to run against the program.
func CommandsExist(t testing.TB, text string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`yiyuan ((?:[a-z]+ ?)+)`).FindAllStringSubmatch(text, -1) {
		args := strings.Fields(m[1])
		help, err := exec.CommandContext(t.Context(), "yiyuan", append(args, "--help")...).Output()
		usage := regexp.MustCompile(`(?m)^用法 / Usage:\n  yiyuan ((?:[a-z]+ )*)(.*)$`).FindStringSubmatch(string(help))
		if err != nil || usage == nil || strings.HasPrefix(usage[2], "COMMAND") || !strings.HasPrefix(strings.Join(args, " ")+" ", usage[1]) { // of the command above it, if there is none of this name
			t.Errorf("%q tells to run %q, which is no command: %v", text, m[0], err)
		}
	}
}
