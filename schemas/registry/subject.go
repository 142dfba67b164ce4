package registry

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// ErrSubject says that a subject's name cannot be used.
var ErrSubject = errors.New("主题名不可用 / unusable subject name")

// checkSubject refuses names that could not be a topic's, and those that
// Confluent gives a meaning to.
func checkSubject(subject string) error {
	bad := subject == "" || len(subject) > 255 || !utf8.ValidString(subject) ||
		strings.ContainsFunc(subject, unicode.IsControl) || subject == "__GLOBAL" || subject == "__EMPTY"
	if bad {
		return ErrSubject
	}
	return nil
}

// inUse reports whether records under the subject's schemas lie in the bus's own
// topics, or were taken from there into the state of a step.
func inUse(subject string) bool {
	for part := range strings.FieldsFuncSeq(subject, func(c rune) bool { return c == '.' || c == '-' || c == '_' }) {
		switch part {
		case contract.FamilyRaw, contract.FamilyClaims, contract.FamilyResolved, contract.FamilyShared, string(contract.Findings), string(contract.Quarantine):
			return true
		}
	}
	return false
}

// defaultLevel returns the level that the subject's kind of topic starts at, ""
// if it has none of its own. The topic may stand behind a configured prefix.
func defaultLevel(subject string) string {
	for part := range strings.FieldsFuncSeq(subject, func(c rune) bool { return c == '.' || c == '-' || c == '_' }) {
		switch part {
		case contract.FamilyRaw:
			return "BACKWARD_TRANSITIVE"
		case contract.FamilyResolved, contract.FamilyShared:
			return "FULL_TRANSITIVE"
		}
	}
	return ""
}
