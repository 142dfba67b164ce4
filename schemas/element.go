package schemas

import (
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

// Element is a data element (数据元): how a field is typed, validated,
// normalised, graded and masked unless the dataset says otherwise.
type Element struct {
	ID        string
	Title     string
	English   string
	Kind      string // the built-in validator, see package element
	Type      Type
	Precision int
	Scale     int
	MaxLength int      // in characters; 0 = the kind's own limit
	Codes     []Code   // of kind "code": the values of the code set
	Set       *CodeSet // of kind "code": the set of codes/ that Codes are of, nil if they are its own
	Level     string   // L1..L4
	Mask      string   // default mask rule of views that do not name one, "" = clear
	Standard  string   // GB 11643-1999, ...
	Min, Max  *float64 // of numbers
	Past      bool     // of dates and times: what is dated has happened, so a value after today is none
	PartOf    string   // element id of the identifier that contains this value (a birth date: the citizen's number), "" if none
	Contains  string   // element id of the identifier that values are made of (a disability card's number: the citizen's number), "" if none
	Form      string   // of kind "identifier": the form of numbers that carry a check of their own (identifier.Documents), "" if none

	known map[string]struct{} // the values of Codes
	form  CodeShape
}

// Nature is what a mask goes by, beside the value itself: of two elements that are alike in
// it, a mask leaves the same of the same value.
type Nature struct{ Kind, PartOf, Contains, Form string }

// String writes it as elements.yaml has it: date (part_of ZJHM).
func (n Nature) String() string {
	var of []string
	for _, k := range []struct{ key, value string }{{"part_of", n.PartOf}, {"contains", n.Contains}, {"form", n.Form}} {
		if k.value != "" {
			of = append(of, k.key+" "+k.value)
		}
	}
	if len(of) == 0 {
		return n.Kind
	}
	return n.Kind + " (" + strings.Join(of, ", ") + ")"
}

// Nature returns the element's; of no element none.
func (e *Element) Nature() Nature {
	if e == nil {
		return Nature{}
	}
	return Nature{e.Kind, e.PartOf, e.Contains, e.Form}
}

// Code is one value of a code set.
type Code struct{ Value, Title, English string }

// CodeSet is one codes/<id>.yaml: a code set of a standard, as the catalogue
// knows it.
type CodeSet struct {
	ID       string // nation
	Title    string
	English  string
	Standard string // GB/T 3304
	Version  string // the year of the edition
	Source   string // where the values were taken from
	Complete bool   // all values of the edition are here
	Below    bool   // a code is known by a listed one that it begins with
	Codes    []Code
	Shape    CodeShape
	File     string
}

// CodeShape is what every code of a set looks like, known or not.
type CodeShape struct {
	Min, Max int
	Digits   bool // else capital letters and digits
}

// Match reports whether s looks like a code of the set.
func (f CodeShape) Match(s string) bool {
	if len(s) < f.Min || len(s) > f.Max {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (f.Digits || c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// ShapeOf is the form of codes that no file describes.
func ShapeOf(codes []Code) CodeShape {
	f := CodeShape{Min: len(codes[0].Value), Max: len(codes[0].Value), Digits: true}
	for _, c := range codes {
		f.Min, f.Max = min(f.Min, len(c.Value)), max(f.Max, len(c.Value))
		f.Digits = f.Digits && strings.Trim(c.Value, "0123456789") == ""
	}
	return f
}

// HasCode reports whether value is in the element's code set.
func (e *Element) HasCode(value string) bool {
	if e.known == nil { // an element that no loader made
		return slices.ContainsFunc(e.Codes, func(c Code) bool { return c.Value == value })
	}
	if _, ok := e.known[value]; ok {
		return true
	}
	if e.Set != nil && e.Set.Below {
		for n := len(value) - 1; n > 0; n-- {
			if _, ok := e.known[value[:n]]; ok {
				return true
			}
		}
	}
	return false
}

// CodeForm reports whether value has the form of the element's codes: what has
// it and is in no set is taken and found, what has not is malformed.
func (e *Element) CodeForm(value string) bool {
	return e.known != nil && e.form.Match(value)
}

// Doubts reports a value that is taken as its department says it and found: a code
// of no set, or a number of the element's form whose check does not hold. The
// value is in normal form.
func (e *Element) Doubts(value string) bool {
	switch {
	case e.Kind == "code":
		return !e.HasCode(value)
	case e.Form != "":
		return identifier.CheckDocument(e.Form, value) != nil
	}
	return false
}

// SetCodes gives an element its codes, of a set or its own.
func (e *Element) SetCodes(set *CodeSet, codes []Code) {
	e.Set, e.Codes, e.known = set, codes, nil
	if len(codes) == 0 {
		return
	}
	e.known = make(map[string]struct{}, len(codes))
	for _, c := range codes {
		e.known[c.Value] = struct{}{}
	}
	if e.form = ShapeOf(codes); set != nil {
		e.form, e.Standard = set.Shape, set.Standard
	}
}
