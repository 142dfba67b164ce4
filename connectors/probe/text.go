package probe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// text collects the lines of a file.
type text struct{ strings.Builder }

func (t *text) line(format string, args ...any) {
	fmt.Fprintf(&t.Builder, format+"\n", args...)
}

// remark writes a comment; what stands in it is one line, whatever the system called things.
func (t *text) remark(indent string, s Said) {
	t.line("%s# %s", indent, Plain(s.String(), 600))
}

// Text is the draft's file datasets/<id>.yaml.
func (d *Dataset) Text() string {
	var t text
	name := Plain(d.Table.Full(), 140)
	t.remark("", Said{"由 yiyuan source init 根据表 " + name + " 起草。每一行都是猜的，理由写在旁边；逐行看过、改好，再 yiyuan check。样本里的值没有写在这里", "drafted by yiyuan source init from the table " + name + ". Every line is a guess, its reason beside it: look at each, edit, then yiyuan check. No value of the sample stands here"})
	d.head(&t)
	t.line("fields:")
	for i := range d.fields {
		d.fields[i].write(&t)
	}
	d.writeLeft(&t)
	d.writeView(&t)
	return t.String()
}

func (d *Dataset) head(t *text) {
	t.remark("", Said{"代号：接在本部门已有的之后，可改（文件名一起改，数据源文件里也改）；生效之后不再改", "the id comes behind those of the department; change it with the file's name and in the source's file, never once it is in force"})
	t.line("dataset: %s", d.ID)
	name := title(d.Table.Comment)
	if name == "" {
		t.remark("", Said{"表没有注释，先用表名：改成中文名称", "the table has no comment, so its name stands here: give it a title"})
		name = cmp.Or(Plain(d.Table.Name, 60), d.ID)
	}
	t.line("title: %s", Scalar(name))
	if e := english(d.Table.Name, nil); e != "" {
		t.line("english: %s", Scalar(e))
	}
	t.line("provider: %s", d.provider.ID)
	if d.model != nil {
		t.remark("", Said{"资源代码是占位的（前段照 " + d.model.ID + "）：换成编目时分配的", "a placeholder (its front part is that of " + d.model.ID + "): put the code that was assigned"})
	} else {
		t.remark("", Said{"资源代码是占位的：换成编目时分配的", "a placeholder: put the code that was assigned"})
	}
	t.line("code: %s", d.code)
	t.remark("", Said{"共享类型不知道：B 为有条件共享，没有授权谁也看不到。A 无条件；C 不予共享，只可核验，须写 basis，并把视图改为 only: verify", "not known: B is shared on condition, and without a grant nobody sees anything. A: shared; C: verification only, which needs basis, and only: verify in the view"})
	t.line("class: B")
	t.remark("", Said{"数据源按提交次序实时送来；部门自己按日、按月更新的，写 daily、monthly，否则会标为陈旧", "the source brings each commit as it happens; where the department itself works by days or months write daily or monthly, or answers are stale"})
	t.line("cycle: realtime")
	t.remark("", Said{"表的主键", "the table's primary key"})
	var key []string
	for _, k := range d.Key() {
		key = append(key, Scalar(k))
	}
	t.line("key: [%s]", strings.Join(key, ", "))
	if len(d.links) > 0 {
		t.remark("", Said{"每行说的可能是这些主体。确认后留下对的，去掉 #；一个主体有几处时各起一个 role", "rows may speak about these entities. Once you have confirmed it keep what is right and take the # away; where an entity stands twice, give each a role"})
		t.line("# entities:")
	}
	for _, l := range d.links {
		t.line("#   - {entity: %s, key: %s}", l.entity, Scalar(l.field))
	}
	if len(d.updated) > 0 {
		t.remark("", Said{"更新时间像是 " + strings.Join(d.updated, "、") + "：数源表里的 pick 可以写 latest " + d.updated[0] + "。数据源自己按日志读变更，不靠它", "it looks as if " + strings.Join(d.updated, ", ") + " said when a row was changed: pick of an authority table may say latest " + d.updated[0] + ". The source reads changes from the log and does not need it"})
	} else {
		t.remark("", Said{"没有认出更新时间列；数据源按日志读变更，不需要它", "no column was recognised that says when a row was changed; the source reads changes from the log and needs none"})
	}
}

// write writes one field below its reasons.
func (f *field) write(t *text) {
	c := f.column
	what := fmt.Sprintf("列 %s %s", Plain(c.Name, 64), Plain(c.Type, 40))
	note := f.why
	switch {
	case !f.known:
		note = and(note, Said{"先按 " + f.element.ID + " 收下，定为 L4（任何视图都不得明文）", "taken as " + f.element.ID + " for now, at L4, which no view shows in clear"})
	default:
		note = Said{"认作 " + f.element.ID + "：" + note.Chinese, "taken for " + f.element.ID + ": " + note.English}
	}
	if f.vague {
		note = and(note, Said{"只看出是哪一类，是什么不知道，定为 L4", "of what type it is is seen, what it is is not: at L4"})
	} else if f.raised() && f.known {
		note = and(note, Said{"还不能肯定，定为 L4，认定后去掉 level", "not certain: at L4 until you have confirmed it, then take level away"})
	}
	if len(f.others) > 0 {
		ids := ids(f.others)
		note = and(note, Said{"也可能是 " + strings.Join(ids, "、"), "it could be " + strings.Join(ids, " or ")})
	} else {
		note = and(note, Said{"别的见 elements.yaml", "others: elements.yaml"})
	}
	if f.nullable && !c.Nullable {
		note = and(note, Said{"列是 NOT NULL，但样本里有空白", "the column is NOT NULL, but the sample holds blanks"})
	}
	t.remark("  ", Said{what + "：" + note.Chinese, note.English})
	for _, doubt := range f.doubts {
		t.remark("  ", Said{"注意：" + doubt.Chinese, "look: " + doubt.English})
	}
	keys := []string{"name: " + Scalar(f.name)}
	if said := cmp.Or(title(c.Comment), chineseOf(c.Name, f.word)); said != "" && said != f.element.Title {
		keys = append(keys, "title: "+Scalar(said))
	}
	if e := english(c.Name, f.word); e != "" && e != f.element.English {
		keys = append(keys, "english: "+Scalar(e))
	}
	keys = append(keys, "element: "+f.element.ID)
	if f.raised() {
		keys = append(keys, "level: L4")
	}
	if f.nullable {
		keys = append(keys, "nullable: true")
	}
	keys = append(keys, f.narrow()...)
	t.line("  - {%s}", strings.Join(keys, ", "))
}

// chineseOf is what a column without a comment is called in Chinese, "" if nobody knows.
func chineseOf(name string, w *word) string {
	switch {
	case strings.ContainsFunc(name, isHan):
		return Plain(name, 40)
	case w != nil && exactly(name, w):
		first, _, _ := strings.Cut(w.chinese, " ")
		return first
	}
	return Plain(name, 60) // the element's title would be another's
}

// narrow is what the field says of its values beyond what the element does.
func (f *field) narrow() (keys []string) {
	if n := longest(f.column, f.element); n > 0 {
		keys = append(keys, fmt.Sprintf("max_length: %d", n))
	}
	if c := f.column; f.element.Type == schemas.Decimal && c.Shape == Number && c.Precision > 0 && c.Precision <= 18 && (c.Scale > f.element.Scale || c.Precision-c.Scale > f.element.Precision-f.element.Scale) {
		keys = append(keys, fmt.Sprintf("precision: %d, scale: %d", max(c.Precision, c.Scale), c.Scale)) // PostgreSQL 15 knows numeric(2, 6)
	}
	return keys
}

// raised reports a field that no view may show in clear until a person has said what it is.
func (f *field) raised() bool { return !f.known || f.vague || !f.sure && f.element.Mask == "" }

// mask is how the drafted view shows the field: never in clear.
func (f *field) mask() string {
	switch {
	case f.known && !f.vague && f.element.Mask != "" && f.element.Mask != schemas.MaskSuppress:
		return f.element.Mask
	case f.key:
		return schemas.MaskToken // rows can be told apart
	}
	return schemas.MaskSuppress
}

func (d *Dataset) writeLeft(t *text) {
	if len(d.left) == 0 {
		return
	}
	t.remark("  ", Said{"没有接入的列，它们不离开部门的数据库", "columns that are not taken: they do not leave the department's database"})
	if slices.ContainsFunc(d.left, func(l leftOut) bool { return l.line != "" }) {
		t.remark("  ", Said{"其中有一行 - {name: …} 的：在 elements.yaml 加一个数据元，再去掉该行的 #，例如", "those with a line - {name: …}: add an element to elements.yaml, then take the # off the line; such as"})
		t.line("  #   - {id: text, title: 文字, english: Text, kind: text, max_length: 4000, level: L4, mask: suppress}")
	}
	for _, l := range d.left {
		t.remark("  ", Said{fmt.Sprintf("%s（%s）：%s", Plain(l.column.Name, 64), Plain(l.column.Type, 40), l.why.Chinese), l.why.English})
		if l.line != "" {
			t.line("  # %s", l.line)
		}
	}
}

func (d *Dataset) writeView(t *text) {
	t.remark("", Said{"视图：全部脱敏。数据元自己有脱敏的照它；缺省为明文的先不给（suppress；主键为令牌 token），确认可以公开的，删去那一行", "the view masks everything: as the element says, and what would be clear by default is withheld (a key is a token). Delete the line of a field that may be shown"})
	t.line("views:\n  partial:\n    mask:")
	for i := range d.fields {
		t.line("      %s: %s", Scalar(d.fields[i].name), d.fields[i].mask())
	}
}

func ids(of []*schemas.Element) []string {
	var out []string
	for _, e := range of {
		if !slices.Contains(out, e.ID) && len(out) < 4 {
			out = append(out, e.ID)
		}
	}
	return out
}
