package process

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// RegistryError says that the registry does not take a schema of the bus: which subject,
// why, and what to do. It says so by itself; the steps and listeners that met it need
// not be named. Where the registry does not answer it is an UnreachableError.
type RegistryError struct {
	text string
	err  error
}

func (e *RegistryError) Error() string { return e.text }

// Unwrap returns what the registry said.
func (e *RegistryError) Unwrap() error { return e.err }

// toldRegistry is a registry whose refusals are RegistryErrors.
type toldRegistry struct {
	codec.Registry
	at string // the address of the outside one, "" = our own
}

// Register implements codec.Registry.
func (r toldRegistry) Register(ctx context.Context, subject, schema string) (int, error) {
	id, err := r.Registry.Register(ctx, subject, schema)
	if err == nil || ctx.Err() != nil || errors.As(err, new(*RegistryError)) {
		return id, err
	}
	refused := errors.Is(err, codec.ErrIncompatible) || errors.Is(err, codec.ErrProfile)
	switch {
	case refused && r.at != "":
		return id, refusedOutside(r.at, subject, err)
	case r.at != "":
		return id, unanswered(r.at, err)
	case errors.Is(err, codec.ErrIncompatible):
		return id, refusedHere(subject, err)
	}
	return id, err
}

// refusedHere adds to what our own registry says which fields it is about, and how to see
// what was changed.
func refusedHere(subject string, err error) error {
	old := (*codec.CompatibilityError)(nil)
	if !errors.As(err, &old) {
		return err
	}
	var chinese, english []string
	for _, p := range old.Problems {
		zh, en := problem.Halves(p)
		place, _, _ := strings.Cut(zh, ": ")
		chinese, english = append(chinese, zh), append(english, place+": "+en)
	}
	zh := fmt.Sprintf("主题 %[1]s 的模式登记不了，与已有的版本 %[2]d 不相容：%[3]s。目录改过的：yiyuan plan 列出改动（--against 与改动前的文件夹比），按它改回；"+
		"该版本若不是总线登记的：停下各进程，执行 yiyuan registry retire %[1]s %[2]d --yes，再启动", subject, old.Version, strings.Join(chinese, "；"))
	en := fmt.Sprintf("the schema of the subject %[1]s cannot be registered, it does not go with version %[2]d that is there: %[3]s. If the catalogue was changed: yiyuan plan lists how (--against compares with the folder of before), change it back; "+
		"if the bus did not write that version: stop the processes, run yiyuan registry retire %[1]s %[2]d --yes, start again", subject, old.Version, strings.Join(english, "; "))
	return &RegistryError{zh + " / " + en, err}
}

// refusedOutside is what another's registry has decided.
func refusedOutside(at, subject string, err error) error {
	why := reason(err)
	zh := fmt.Sprintf("registry.url：注册中心 %s 不收主题 %s 的模式：%s。目录改过的：yiyuan plan 列出改动（--against 与改动前的文件夹比），按它改回；"+
		"别人在该主题下登记过模式，或它的兼容级别另有设定的：在注册中心里改", at, subject, why)
	en := fmt.Sprintf("registry.url: the registry %s does not take the schema of the subject %s: %s. If the catalogue was changed: yiyuan plan lists how (--against compares with the folder of before), change it back; "+
		"if somebody else registered a schema there, or set its level: mend it in the registry", at, subject, why)
	return &RegistryError{zh + " / " + en, err}
}

// unanswered is what stands in the way of another's registry: a wrong address, the
// network, a proxy, a wrong key.
func unanswered(at string, err error) error {
	why := reason(err)
	zh := fmt.Sprintf("registry.url：注册中心 %s 用不了：%s。核对 registry.url 和 registry.write_key_file，查看该服务是否在运行；不设 registry.url 则用内置的注册中心", at, why)
	en := fmt.Sprintf("registry.url: the registry %s cannot be used: %s. Look at registry.url and registry.write_key_file, and whether the service runs; without registry.url the registry within is used", at, why)
	return &RegistryError{zh + " / " + en, &UnreachableError{err}}
}

// reason is what the client of a registry says of why, on one line and not long: a proxy
// answers with a page.
func reason(err error) string {
	if why := errors.Unwrap(err); why != nil {
		err = why // what was asked for is told already
	}
	const most = 300
	text := []rune(strings.Join(strings.Fields(err.Error()), " "))
	if len(text) > most {
		text = append(text[:most], '…')
	}
	return string(text)
}

// shown is an address without the password in it.
func shown(address string) string {
	u, err := url.Parse(address)
	if err == nil && u.User != nil {
		return u.Redacted()
	}
	return address[strings.LastIndexByte(address, '@')+1:]
}

// told is an error in the words for people where the registry is why: else each step and
// each listener would say it again.
func told(err error) error {
	if why := (*RegistryError)(nil); errors.As(err, &why) {
		return why
	}
	return err
}
