package registry

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
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

// own knows the subjects of the bus's own topics, by the prefix that its topics are
// configured with.
type own struct{ prefix string }

// topic returns the topic of the bus that a subject is of. The bus writes under the
// topic's name; a client may ask for the name that Kafka has, with the prefix.
func (o own) topic(subject string) (contract.Topic, bool) {
	t, ok := contract.TopicOf(subject)
	if !ok || t.Known() {
		return t, ok
	}
	name, ok := strings.CutPrefix(string(t), o.prefix)
	return contract.Topic(name), ok && contract.Topic(name).Known()
}

// inUse reports whether records under the subject's schemas lie in the bus's own
// topics, or were taken from there into the state of a step.
func (o own) inUse(subject string) bool {
	_, ok := o.topic(subject)
	return ok
}

// because says, of what the profile refused, that the subject's name is why it was asked.
func (o own) because(subject string, err error) error {
	t, _ := o.topic(subject)
	family, of := t.Family()
	if of != "" {
		family += ".*"
	}
	zh, en := problem.Halves(err.Error())
	return &namedError{fmt.Sprintf("按名称，主题属于总线自己的主题（%s），只收规范内的模式：%s / by its name the subject is of the bus's own topics (%s), which take schemas within the profile alone: %s", family, zh, family, en), err}
}

// namedError is another error in words that say whose subject it is.
type namedError struct {
	message string
	err     error
}

func (e *namedError) Error() string { return e.message }
func (e *namedError) Unwrap() error { return e.err }

// level returns the level that the subject's kind of topic starts at, "" if it has
// none of its own.
func (o own) level(subject string) string {
	t, ok := o.topic(subject)
	if !ok {
		return ""
	}
	switch family, _ := t.Family(); family {
	case contract.FamilyRaw:
		return "BACKWARD_TRANSITIVE"
	case contract.FamilyResolved, contract.FamilyShared:
		return "FULL_TRANSITIVE"
	}
	return ""
}
