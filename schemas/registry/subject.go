package registry

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
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
	zh, en := problem.Halves(err.Error())
	family := o.family(subject)
	return &namedError{fmt.Sprintf("按名称，主题属于总线自己的主题（%s），只收规范内的模式：%s / by its name the subject is of the bus's own topics (%s), which take schemas within the profile alone: %s", family, zh, family, en), err}
}

// family is what a subject of ours is recognised by, as people write it.
func (o own) family(subject string) string {
	t, _ := o.topic(subject)
	family, of := t.Family()
	if of != "" {
		family += ".*"
	}
	return family
}

// foreign says, of what the bus cannot register itself, what stands in its way and what to do.
func (o own) foreign(subject string, err *codec.CompatibilityError) error {
	zh := fmt.Sprintf("主题 %s 已有的版本 %d 与总线要登记的模式不相容。该版本若不是总线登记的，停下各进程后执行 yiyuan registry retire %[1]s %[2]d --yes，再启动；若是目录的改动所致，改回目录", subject, err.Version)
	en := fmt.Sprintf("version %d of the subject %s does not go with the schema that the bus registers. If the bus did not write it: stop the processes, run yiyuan registry retire %[2]s %[1]d --yes, start again; if the catalogue was changed, change it back: %[3]v", err.Version, subject, err)
	return &namedError{zh + " / " + en, err}
}

// ErrInUse says that a version of a subject of the bus stands in the way of nothing: the
// bus wrote it, or goes on beside it.
var ErrInUse = errors.New("version is not in the way")

// stays refuses to retire what stands in no start's way.
func (o own) stays(subject string, version int) error {
	zh := fmt.Sprintf("主题 %s 的版本 %d 不妨碍总线登记自己的模式，总线读写按它进行，不停用；本命令只用于启动因别人登记的模式被拒绝时，停用启动时指出的版本", subject, version)
	en := fmt.Sprintf("version %d of the subject %s does not stand in the way of what the bus registers, which reads and writes by it: it stays in use. This command is for a schema that others registered and a start was refused for, with the version that the refusal names", version, subject)
	return &namedError{zh + " / " + en, ErrInUse}
}

// kept refuses, through the API, a change of what the bus alone decides.
func (o own) kept(subject, zh, en string) error {
	family := o.family(subject)
	return &problemError{problem.NotPermitted, fmt.Sprintf("按名称，主题属于总线自己的主题（%s），%s / by its name the subject is of the bus's own topics (%s): %s", family, zh, family, en)}
}

// namedError is another error in words that say whose subject it is.
type namedError struct {
	message string
	err     error
}

func (e *namedError) Error() string { return e.message }
func (e *namedError) Unwrap() error { return e.err }

func (o own) schemasKept(subject string) error {
	return o.kept(subject, "其记录由按模式编译的程序读取，不能删除", "its records are read by compiled programs, nothing of it is deleted")
}

func (o own) levelKept(subject string) error {
	level := o.level(subject)
	return o.kept(subject, "兼容级别固定为 "+level, "its level is "+level+" and cannot be changed")
}

// level returns the level that a subject of ours is held to, whatever was set for it or
// for all, "" of others'.
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
	return "BACKWARD"
}
