package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/avro"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// wording is a schema and the texts of those it refers to, each after those that
// it needs itself, and once.
type wording struct {
	text   string
	before []string
}

func (w wording) parse() (*avro.Schema, error) {
	return avro.Parse(w.text, codec.MaxSchema, w.before...)
}

// errNoAvro is what is wrong with others' schemas: no profile holds for them.
var errNoAvro = errors.New("不是有效的 Avro 模式 / no valid Avro schema")

// examined returns a schema without spaces, and its identity, or says what is wrong
// with it: for a topic of the bus the codec's profile decides, for others' Avro does.
func (o own) examined(subject string, w wording, refs []reference) (compact, canonical string, err error) {
	switch {
	case o.inUse(subject) && len(refs) > 0:
		return "", "", &problemError{problem.InvalidSchema, "references：总线自己的主题不支持引用，请把引用的记录写在模式内 / references: not for the bus's own topics, write the records into the schema"}
	case o.inUse(subject):
		if _, err := codec.Canonical(w.text); err != nil {
			return "", "", o.because(subject, err)
		}
	default:
		if _, err := w.parse(); err != nil {
			return "", "", fmt.Errorf("read schema: %w: %w", errNoAvro, err)
		}
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(w.text)); err != nil {
		return "", "", fmt.Errorf("%w: %w", errNoAvro, err) // it has been read: cannot happen
	}
	return b.String(), identity("", b.String(), refs), nil
}

// compatible says whether a schema may follow the older ones of a subject, by the
// rules that examined reads it by.
func (o own) compatible(subject, level string, w wording, old []wording) error {
	if o.inUse(subject) {
		texts := make([]string, len(old))
		for i, o := range old {
			texts[i] = o.text
		}
		return codec.Compatible(level, w.text, texts)
	}
	next, err := w.parse()
	if err != nil {
		return fmt.Errorf("read schema: %w: %w", errNoAvro, err)
	}
	base, transitive := strings.CutSuffix(level, "_TRANSITIVE")
	for i := len(old) - 1; i >= 0 && base != "NONE"; i-- {
		before, err := old[i].parse()
		if err != nil {
			return &codec.CompatibilityError{Level: level, Old: i, Problems: []string{err.Error()}}
		}
		var problems []string
		add := func(zh, en string, found []avro.Error) {
			for _, e := range found {
				problems = append(problems, fmt.Sprintf("%s: %s（%s） / %s (%s)", e.Path, e.ZH, zh, e.EN, en))
			}
		}
		if base != "FORWARD" {
			add("新模式读旧数据", "new reads old", avro.Compatible(next, before))
		}
		if base != "BACKWARD" {
			add("旧模式读新数据", "old reads new", avro.Compatible(before, next))
		}
		if len(problems) > 0 {
			return &codec.CompatibilityError{Level: level, Old: i, Problems: problems}
		}
		if !transitive {
			break
		}
	}
	return nil
}

// identity tells schemas apart. One that is outside the profile, in a log that
// others wrote before us, is what its text is. What it refers to is part of it.
func identity(kind, text string, refs []reference) string {
	if len(refs) > 0 {
		return kind + "\x00" + text + "\x00" + string(encode(refs))
	}
	if kind == "" {
		if canonical, err := codec.Canonical(text); err == nil {
			return canonical
		}
	}
	return kind + "\x00" + text
}
