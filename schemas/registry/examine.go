package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/avro"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

// examined returns a schema without spaces, and its identity, or says what is wrong
// with it: for a topic of the bus the codec's profile decides, for others' Avro does.
func examined(subject, text string) (compact, canonical string, err error) {
	if inUse(subject) {
		if _, err := codec.Canonical(text); err != nil {
			return "", "", err
		}
	} else if _, err := avro.Parse(text, codec.MaxSchema); err != nil {
		return "", "", fmt.Errorf("read schema: %w: %w", codec.ErrProfile, err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return "", "", fmt.Errorf("%w: %w", codec.ErrProfile, err) // it has been read: cannot happen
	}
	return b.String(), identity("", b.String()), nil
}

// compatible says whether a schema may follow the older ones of a subject, by the
// rules that examined reads it by.
func compatible(subject, level, text string, old []string) error {
	if inUse(subject) {
		return codec.Compatible(level, text, old)
	}
	next, err := avro.Parse(text, codec.MaxSchema)
	if err != nil {
		return fmt.Errorf("read schema: %w: %w", codec.ErrProfile, err)
	}
	base, transitive := strings.CutSuffix(level, "_TRANSITIVE")
	for i := len(old) - 1; i >= 0 && base != "NONE"; i-- {
		before, err := avro.Parse(old[i], codec.MaxSchema)
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
// others wrote before us, is what its text is.
func identity(kind, text string) string {
	if kind == "" {
		if canonical, err := codec.Canonical(text); err == nil {
			return canonical
		}
	}
	return kind + "\x00" + text
}
