package format

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/document"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

// Elements is elements.yaml.
var Elements = mapping(need("elements", some(Element), "全部数据元", "all data elements"))

// Element is one data element.
var Element = mapping(slices.Concat([]document.Key{
	need("id", written(fieldName), "数据元的代号，字段用它指向数据元", "its id, by which fields name it"),
	need("title", text, "名称；字段不写名称时用它", "its title, which fields without one take"),
	may("english", text, "英文名称", "its title in English"),
	need("kind", words(schemas.Kinds()...), "种类：怎样校验和归一，见下表", "its kind: how values are checked and normalised, see the table below"),
	may("type", words(types()...), "类型，由种类决定，写了只作核对", "the type, which the kind decides; written, it is only compared"),
	need("level", words(Levels...), "数据分级，越高越敏感；L4 不得以明文出现在视图中", "the grade, rising with sensitivity; L4 is never shown in clear"),
	or(MaskClear, may("mask", masks(), "视图不另写时怎样脱敏，见下表", "how a view that says nothing masks it, see the table below")),
	may("standard", text, "所依的标准", "the standard it follows"),
	may("part_of", text, "值是哪个数据元的一部分（出生日期之于身份号码）：遮住整体时也不给出部分", "the element that contains this value (a birth date: the identity number): where the whole is masked, the part is not shown"),
	may("contains", text, "值由哪个号码组成（残疾人证号之于身份号码）；级别不低于它，缺省不得明文", "the number that values are made of (a disability card's: the identity number); its level is no lower, and by default it is not clear"),
	may("form", words(identifier.Documents()...), "种类 identifier 的带校验的号码格式；校验不符的收下并成为核验结果 HM-", "of kind identifier: a form of numbers with a check of their own; one that does not hold is taken and found as HM-"),
}, Narrow)...)

// Narrow are the keys with which an element, or a field of its own, says more of the values.
var Narrow = []document.Key{
	or("18", may("precision", number(1, 18), "金额的总位数", "digits of an amount in all")),
	or("2", may("scale", number(0, 18), "其中的小数位数", "of them behind the point")),
	or("0", may("max_length", number(0, 100_000), "文字的最大字符数，0 为该种类的上限", "characters of a text at most, 0 = what the kind takes")),
	may("codes", some(Code), "种类 code 的代码表；与 set 二选一", "of kind code: its codes; these or set"),
	may("set", text, "种类 code 用哪个代码集（codes/ 下的文件名）", "of kind code: the code set, a file of codes/"),
	may("min", decimal, "数值的下限", "the least of a number"),
	may("max", decimal, "数值的上限", "the greatest of a number"),
	or("false", may("past", flag, "日期所记已经发生：晚于明天的行退回。出生日期等 part_of 的日期缺省为 true", "what is dated has happened: a row that is dated after tomorrow is refused. Dates that are part_of a number are so by default")),
}

// Code is one code.
var Code = mapping(
	need("value", text, "代码；有前导零的加引号", "the code; quote one with leading zeros"),
	need("title", text, "含义", "what it means"),
	may("english", text, "英文含义", "the same in English"),
)

// Codes is codes/<set>.yaml.
var Codes = mapping(
	need("set", written(fieldName), "代号，与文件名相同", "its id, the same as the file's name"),
	need("title", text, "名称", "its title"),
	may("english", text, "英文名称", "its title in English"),
	need("standard", text, "哪个标准", "the standard"),
	need("version", text, "版本年份", "the year of its edition"),
	need("source", text, "这些代码从哪里录入、核对过没有", "where the codes were taken from, and whether they were compared"),
	need("complete", flag, "是否完整：完整时表外的代码是矛盾，否则待核实", "whether it is whole: then a code that is not in it is a contradiction, else it is to be confirmed"),
	may("length", number(0, 64), "代码的长度", "the length of a code"),
	may("min_length", number(0, 64), "最短的长度，缺省同 length", "the least length, by default length"),
	may("characters", words("digits", "upper"), "代码由数字，还是数字和大写字母组成；缺省看代码表", "of digits, or of digits and capital letters; by default what the codes are"),
	or("false", may("below", flag, "以表内代码开头的下级代码也算表内", "a code that begins with a listed one counts as listed")),
	need("codes", some(Code), "代码表", "the codes"),
)
