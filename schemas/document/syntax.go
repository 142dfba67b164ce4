package document

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
)

// SyntaxError is what the parser of YAML finds wrong in a text, in both tongues: its own
// words in English, and what they mean and what to do in Chinese.
type SyntaxError struct {
	Line, Column     int // 0 if the parser does not say
	Chinese, English string
}

// Error says the place as the parser does.
func (e *SyntaxError) Error() string {
	text := e.Chinese + " / " + e.English
	if e.Line == 0 {
		return text
	}
	return fmt.Sprintf("[%d:%d] %s", e.Line, e.Column, text)
}

// Syntax takes an error of the parser, of its decoder or of One apart; one that is taken apart it returns as it is. What this build has
// no Chinese for stands there as it is, in brackets.
func Syntax(err error) *SyntaxError {
	if known := (*SyntaxError)(nil); errors.As(err, &known) {
		return known
	}
	if foreign := (*EncodingError)(nil); errors.As(err, &foreign) {
		return &SyntaxError{foreign.Line, 1, foreignChinese, foreignEnglish}
	}
	if second := (*SecondError)(nil); errors.As(err, &second) {
		return &SyntaxError{second.Line, 1, Chinese, English}
	}
	e := &SyntaxError{}
	text := err.Error()
	var y yaml.Error
	if errors.As(err, &y) {
		text = y.GetMessage()
		if t := y.GetToken(); t != nil && t.Position != nil {
			e.Line, e.Column = t.Position.Line, t.Position.Column
		}
	}
	text, _, _ = strings.Cut(text, "\n")
	e.English = strings.ReplaceAll(text, "\t", `\t`)
	e.Chinese = chinese(e.English)
	return e
}

// In is an error about a file: its place, what the file is in both tongues, and what is
// wrong in it.
func In(file, chinese, english string, err error) error {
	e := Syntax(err)
	if e.Line > 0 {
		file = fmt.Sprintf("%s:%d:%d", file, e.Line, e.Column)
	}
	return fmt.Errorf("%s: %s：%s / %s: %s", file, chinese, e.Chinese, english, e.English)
}

// chinese is what a sentence of the parser means.
func chinese(english string) string {
	for _, s := range sentences {
		if m := s.english.FindStringSubmatch(english); m != nil {
			args := make([]any, len(m)-1)
			for i, part := range m[1:] {
				args[i] = word(part)
			}
			return fmt.Sprintf(s.chinese, args...)
		}
	}
	return "「" + english + "」"
}

// word is a kind of value as people call it; what is none stands as it is.
func word(part string) string {
	kind := strings.TrimPrefix(part, "*")
	switch {
	case strings.HasPrefix(kind, "[]"):
		return "列表"
	case strings.HasPrefix(kind, "map["), strings.HasPrefix(kind, "struct"):
		return "一组键和值"
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"):
		return "整数"
	case strings.HasPrefix(kind, "float"):
		return "数字"
	}
	if w, known := words[kind]; known {
		return w
	}
	return part
}

var words = map[string]string{
	"string": "文字", "bool": "true 或 false", "boolean": "true 或 false", "mapping": "一组键和值", "sequence": "列表", "null": "空", "inf": "无穷大", "nan": "非数",
	"scalar": "单个的值", "key": "键", "value": "值", "document": "文档", "alias": "别名", "anchor": "锚点", "tag": "标签", "directive": "指令", "comment": "注释", "merge key": "合并(<<)",
	"time.Time": "时间", "time.Duration": "时长，如 10s",
}

type sentence struct {
	english *regexp.Regexp
	chinese string
}

// say declares what a sentence of the parser means; each %s of it is a part of the Chinese one, in order, if the latter uses it.
func say(english, chinese string) sentence {
	return sentence{regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(english), "%s", "(.*)") + `$`), chinese}
}

// sentences is all that the parser says; TestEverySentence holds it against its source.
var sentences = []sentence{
	say(`found character '\t' that cannot start any token`, "行首用了制表符（Tab），请改用空格缩进"),
	say(`found a tab character where an indentation space is expected`, "缩进用了制表符（Tab），请改用空格"),
	say(`tab character cannot be used for indentation in single-quoted text`, "单引号文字里的缩进用了制表符（Tab），请改用空格"),
	say(`tab character cannot be used for indentation in double-quoted text`, "双引号文字里的缩进用了制表符（Tab），请改用空格"),
	say(`tab character cannot use as a map key directly`, "键前面是制表符（Tab），请改用空格"),
	say(`tab character cannot use as a sequence delimiter`, "列表的 - 后面是制表符（Tab），请改用空格"),
	say(`mapping value is not allowed in this context`, "这里不能出现“key: value”：看一行里是否有两个冒号（值含冒号要加引号），或下一行缩进是否过多"),
	say(`value is not allowed in this context`, "这里不能有值：看缩进是否对齐，列表与键是否混在一层"),
	say(`value is not allowed in this context. map key-value is pre-defined`, "这个键已经有值，后面又来了一个：看缩进是否对齐"),
	say(`unexpected key name`, "键不对：看前一行的冒号后是否有空格，冒号是否为半角"),
	say(`non-map value is specified`, "这里须是“key: value”：看冒号后是否有空格，冒号是否为半角"),
	say(`block sequence entries are not allowed in this context`, "列表的 - 不能与键同在一行，请另起一行"),
	say(`could not find end character of single-quoted text`, "缺少结尾的单引号"),
	say(`could not find end character of double-quoted text`, "缺少结尾的双引号"),
	say(`found unknown escape character %s`, "双引号里的 \\ 后面是不认识的字符 %[1]s：请改用单引号，或写成 \\\\"),
	say(`not enough length for escaped UTF-16 character`, "\\u 后面须有四位十六进制数"),
	say(`not enough length for escaped UTF-16 surrogate pair`, "\\u 代理对不完整"),
	say(`not enough length for escaped UTF-32 character`, "\\U 后面须有八位十六进制数"),
	say(`found unexpected character after high surrogate for UTF-16 surrogate pair`, "\\u 高位代理后面须是低位代理"),
	say(`found unexpected low surrogate after high surrogate`, "\\u 高位代理后面不是低位代理"),
	say(`found unexpected document separator`, "引号里的文字没有结束就到了 ---"),
	say(`%s is a reserved character`, "%[1]s 是保留字符，以它开头的值须加引号"),
	say(`could not find multi-line content`, "| 或 > 后面缺少缩进的多行文字"),
	say(`invalid header option: %s`, "| 或 > 后面的 %[1]s 不对，只能是 -、+ 和 1 到 9 的缩进"),
	say(`invalid number of indent is specified after space only`, "多行文字里空行的缩进比正文还多"),
	say(`invalid number of indent is specified in the multi-line header`, "多行文字的缩进少于 | 或 > 后所写的"),
	say(`sequence end token ']' not found`, "缺少 ]"),
	say(`',' or ']' must be specified`, "列表里缺少 , 或 ]"),
	say(`expected sequence element, but found ','`, "列表里多了一个逗号"),
	say(`could not find flow mapping end token '}'`, "缺少 }"),
	say(`',' or '}' must be specified`, "{ } 里缺少 , 或 }"),
	say(`could not find '[' character corresponding to ']'`, "多了 ]，前面没有 ["),
	say(`could not find '{' character corresponding to '}'`, "多了 }，前面没有 {"),
	say(`could not find flow map content`, "{ } 里缺少内容"),
	say(`could not find map value`, "键后面缺少值"),
	say(`could not find value for mapping key`, "键后面缺少值"),
	say(`could not find map`, "? 后面缺少键"),
	say(`expected map key-value delimiter ':'`, "键后面缺少冒号"),
	say(`map key definition includes an implicit line break`, "{ } 里的键不能跨行"),
	say(`found an invalid key for this map`, "这里不能作键"),
	say(`cannot take map-key node`, "这里不能作键"),
	say(`unexpected map key`, "这里不应有键：看缩进是否对齐"),
	say(`unexpected map key-value pair`, "这里不应有“key: value”：看缩进是否对齐"),
	say(`undefined map key`, "冒号前面缺少键"),
	say(`unexpected scalar value`, "这里不应有单个的值：看缩进和逗号"),
	say(`unexpected scalar value type`, "这里不应有值：看逗号和括号"),
	say(`unexpected token. required string token`, "这里须是文字"),
	say(`unexpected end content`, "文档结尾的 ... 后面还有内容"),
	say(`value cannot be placed after document separator`, "--- 后面不能再写内容，请另起一行"),
	say(`mapping key %s already defined at [%s:%s]`, "键 %[1]s 写了两次，已在第 %[2]s 行"),
	say(`duplicate key %s`, "键 %[1]s 写了两次"),
	say(`unknown field %s`, "不认识的项 %[1]s"),
	say(`%s was used where %s is expected`, "这里应是%[2]s，写的却是%[1]s"),
	say(`cannot unmarshal %s into Go value of type %s ( overflow )`, "数值 %[1]s 超出范围"),
	say(`cannot unmarshal %s into Go struct field %s of type %s`, "这里应是%[3]s，写的却是%[1]s"),
	say(`cannot unmarshal %s into Go value of type %s`, "这里应是%[2]s，写的却是%[1]s"),
	say(`cannot convert %s to string`, "%[1]s 不能当作文字"),
	say(`cannot convert %s to boolean`, "%[1]s 不是 true 或 false"),
	say(`cannot convert %s type to %s type`, "键应是%[2]s，写的却是%[1]s"),
	say(`cannot assign default value for %s tag`, "标签 %[1]s 后面缺少值"),
	say(`undefined anchor name`, "& 后面缺少锚点名；以 & 开头的文字须加引号"),
	say(`undefined anchor value`, "锚点后面缺少值"),
	say(`could not find anchor value`, "锚点后面缺少值"),
	say(`anchors cannot be used consecutively`, "锚点不能接连使用"),
	say(`anchor is not allowed in this context`, "这里不能有锚点(&)"),
	say(`anchor is not allowed in this sequence context`, "列表的这里不能有锚点(&)"),
	say(`unexpected anchor. anchor name is not scalar value`, "锚点名须是文字"),
	say(`sequence entries are not allowed after anchor on the same line`, "锚点后面的列表须另起一行"),
	say(`undefined alias name`, "* 后面缺少别名；以 * 开头的文字须加引号"),
	say(`could not find alias value`, "* 后面缺少别名；以 * 开头的文字须加引号"),
	say(`could not find alias %s`, "没有锚点 %[1]s；以 * 开头的文字须加引号"),
	say(`cannot find anchor by alias name %s`, "没有锚点 %[1]s；以 * 开头的文字须加引号"),
	say(`unexpected alias. alias name is not scalar value`, "别名须是文字"),
	say(`could not find merge key`, "合并(<<)后面缺少值"),
	say(`tag is not allowed in this context`, "这里不能有标签(!)；以 ! 开头的文字须加引号"),
	say(`tag is not allowed in this sequence context`, "列表的这里不能有标签(!)；以 ! 开头的文字须加引号"),
	say(`specified not scalar tag`, "标签(!)与值不符"),
	say(`found invalid tag character %s`, "标签(!)里有不允许的字符 %[1]s；以 ! 开头的文字须加引号"),
	say(`undefined directive value`, "指令(%%)后面缺少内容；以 %% 开头的文字须加引号"),
	say(`could not find directive value`, "指令(%%)后面缺少内容；以 %% 开头的文字须加引号"),
	say(`unexpected directive value. document not started`, "这里不能有指令(%%)；以 %% 开头的文字须加引号"),
	say(`unexpected directive. directive name is not scalar value`, "指令(%%)的名称须是文字"),
	say(`unexpected format YAML directive`, "%%YAML 的写法不对"),
	say(`unexpected format TAG directive`, "%%TAG 的写法不对"),
	say(`unknown YAML version %s`, "不认识的 YAML 版本 %[1]s"),
	say(`YAML version has already been specified`, "%%YAML 写了两次"),
	say(`exceeded max depth`, "嵌套过深"),
}
