package document

import (
	"fmt"
	"regexp"
	"strings"
)

// Kind is what a value of a YAML file is.
type Kind uint8

// The kinds of values.
const (
	Text    Kind = iota // a text; a bare number is taken by its digits
	Number              // a whole number
	Decimal             // a number
	Flag                // true or false
	List                // a list, each item of the form Each
	Map                 // a mapping whose keys are names that the file gives, each value of the form Each
	Mapping             // a mapping of the keys that are declared
)

// Form is what a value may be. It is what readers check by, what the reference is written
// from, and what the JSON Schema for editors says: one declaration, so that they agree. A
// Form is not changed once it is declared, and safe for concurrent use.
type Form struct {
	Kind        Kind
	Words       []string // of a Text: all that it may be
	Pattern     *Pattern // of a Text; of a Map: of its keys
	Least, Most int      // of a Number, both included
	Unique      bool     // of a List of texts: each once
	Some        bool     // of a List or a Map: not empty
	Each        *Form    // of a List or a Map
	Keys        []Key    // of a Mapping
}

// Key is one key of a mapping.
type Key struct {
	Name             string
	Form             *Form
	Required         bool
	Default          string // as a person would write it, "" if there is none or it depends on others
	Chinese, English string // what it means, without a full stop
}

// Pattern is how a text must be written.
type Pattern struct {
	Text             string // a regular expression without anchors
	Max              int    // bytes, 0 = as many as the expression takes
	Rule             string // the stable id of the check
	Chinese, English string // what is said of a text that does not match: %[1]q is the text, %[2]s the expression
	whole            *regexp.Regexp
}

// NewPattern compiles a pattern; a fault in it is one of the build and panics.
func NewPattern(rule, text string, most int, chinese, english string) *Pattern {
	return &Pattern{Text: text, Max: most, Rule: rule, Chinese: chinese, English: english, whole: regexp.MustCompile(`^(?:` + text + `)$`)}
}

// Match reports whether the text is written so.
func (p *Pattern) Match(text string) bool {
	return (p.Max == 0 || len(text) <= p.Max) && p.whole.MatchString(text)
}

// Key returns the declaration of a key, nil if the mapping has none of that name.
func (f *Form) Key(name string) *Key {
	for i := range f.Keys {
		if f.Keys[i].Name == name {
			return &f.Keys[i]
		}
	}
	return nil
}

// Names are the keys of a mapping, as they are declared.
func (f *Form) Names() []string {
	names := make([]string, len(f.Keys))
	for i, k := range f.Keys {
		names[i] = k.Name
	}
	return names
}

// In says in both tongues what the form is, as the reference and messages do.
func (f *Form) In() (chinese, english string) {
	switch f.Kind {
	case Text:
		switch {
		case len(f.Words) > 0:
			words := "`" + strings.Join(f.Words, "` `") + "`"
			return words, "one of these"
		case f.Pattern != nil:
			return "文字 `" + f.Pattern.Text + "`", "text"
		}
		return "文字", "text"
	case Number:
		return fmt.Sprintf("整数 %d 到 %d", f.Least, f.Most), "a whole number"
	case Decimal:
		return "数字", "a number"
	case Flag:
		return "`true` `false`", "true or false"
	case List:
		zh, en := f.Each.In()
		return "列表：" + zh, "list: " + en
	case Map:
		zh, en := f.Each.In()
		return "名称对应：" + zh, "names, each with: " + en
	case Mapping:
	}
	return "见下", "below"
}
