package document

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// Numbers are taken as people write them. What the parser of YAML makes of the rest is
// not what everybody reads in it: 010 is eight, 1e3 a text or a thousand, 0.5 as a whole
// number nothing at all.
var (
	wholeDigits   = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
	decimalDigits = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
)

// Whole is the whole number that a place of a file says in plain decimal digits, without
// quotes; false of anything else.
func Whole(n ast.Node) (int, bool) {
	i, is := n.(*ast.IntegerNode)
	if !is || !wholeDigits.MatchString(i.GetToken().Value) {
		return 0, false
	}
	whole, err := strconv.Atoi(i.GetToken().Value)
	return whole, err == nil
}

// Fraction is the number that a place of a file says in plain decimal digits, with a
// fraction or without, without quotes; false of anything else.
func Fraction(n ast.Node) (float64, bool) {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
	default:
		return 0, false
	}
	if !decimalDigits.MatchString(n.GetToken().Value) {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.GetToken().Value, 64)
	return f, err == nil
}

// Odd is what is wrong with the first number, of keys and values, that is not written in
// plain decimal digits, nil if there is none. It is for files whose forms others declare.
func Odd(n ast.Node) *SyntaxError {
	var odd *SyntaxError
	ast.Walk(visitor(func(n ast.Node) {
		if odd != nil || n == nil {
			return
		}
		switch n.(type) {
		case *ast.IntegerNode, *ast.FloatNode:
			if _, ok := Fraction(n); !ok {
				odd = wrong(n, "数字只用十进制书写，不带前导零和加号（是文字则加引号）", "write numbers in decimal digits, without zeros or a plus in front (quote it if it is a text)")
			}
		}
	}), n)
	return odd
}

type visitor func(n ast.Node)

func (v visitor) Visit(n ast.Node) ast.Visitor {
	v(n)
	return v
}

// Misfits is what in a value is no number where its form has one, or says nothing where
// its form has something: what a decoder takes for a number or a zero in silence. The rest
// of the form is not looked at.
func (f *Form) Misfits(n ast.Node) []*SyntaxError { return f.misfits("", n) }

func (f *Form) misfits(name string, n ast.Node) (found []*SyntaxError) {
	switch v := n.(type) {
	case nil:
		return nil
	case *ast.NullNode:
		if name == "" {
			return nil
		}
		return []*SyntaxError{wrong(n, name+" 没有值：写上值，或去掉这一项", name+" has no value: give it one, or take it out")}
	case *ast.SequenceNode:
		if f.Kind == List {
			for i, item := range v.Values {
				found = append(found, f.Each.misfits(fmt.Sprintf("%s[%d]", name, i), item)...)
			}
		}
		return found
	case *ast.MappingNode:
		return f.pairs(v.Values)
	case *ast.MappingValueNode:
		return f.pairs([]*ast.MappingValueNode{v})
	}
	switch f.Kind {
	case Number:
		if whole, ok := Whole(n); !ok || whole < f.Least || whole > f.Most {
			return []*SyntaxError{wrong(n, fmt.Sprintf("%s 应是 %d 到 %d 的整数，只用数字书写", name, f.Least, f.Most), fmt.Sprintf("%s must be a whole number of %d to %d, in plain digits", name, f.Least, f.Most))}
		}
	case Decimal:
		if _, ok := Fraction(n); !ok {
			return []*SyntaxError{wrong(n, name+" 应是数字，只用十进制书写", name+" must be a number, in decimal digits")}
		}
	case Text, Flag, List, Map, Mapping:
	}
	return nil
}

func (f *Form) pairs(pairs []*ast.MappingValueNode) (found []*SyntaxError) {
	for _, p := range pairs {
		name, form := p.Key.GetToken().Value, f.Each
		if f.Kind == Mapping {
			k := f.Key(name)
			if k == nil {
				continue // whoever reads it says that it is not known
			}
			form = k.Form
		}
		if form != nil {
			found = append(found, form.misfits(name, p.Value)...)
		}
	}
	return found
}

func wrong(n ast.Node, chinese, english string) *SyntaxError {
	e := &SyntaxError{Chinese: chinese, English: english}
	if t := n.GetToken(); t != nil && t.Position != nil {
		e.Line, e.Column = t.Position.Line, t.Position.Column
	}
	return e
}
