package format

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// Entity is entities/<id>.yaml.
var Entity = mapping(
	need("entity", written(lowerName), "实体的代号，与文件名相同；"+reservedZH, "its id, the same as the file's name; "+reservedEN),
	need("title", text, "名称", "its title"),
	may("english", text, "英文名称", "its title in English"),
	need("key", EntityKey, "主键", "its key"),
	may("fields", list(GoldenField), "可信记录的字段；不写则只供规则核对，没有可信记录", "the fields of its golden record; without any it only serves rules"),
	may("authority", list(Authority), "数源表，由旧到新；有字段就必须有", "authority tables, oldest first; needed where there are fields"),
	may("aggregates", list(Aggregate), "汇总：关联太多时只数不留（一家企业的职工）", "aggregates: rows that are counted and not kept, where there are too many (an enterprise's employees)"),
	may("views", named(lowerName, EntityView), "视图：名称对应看到什么；视图名为 实体.名称，另有自动的 实体.explain", "views by name; a view is called ENTITY.NAME, and ENTITY.explain is there by itself"),
)

// EntityKey is the key of an entity.
var EntityKey = mapping(
	need("name", written(fieldName), "主键的字段名", "the name of the key"),
	may("title", text, "名称，缺省为数据元的", "its title, by default the element's"),
	need("element", text, "哪个数据元，须是文字", "which element, of a text kind"),
)

// GoldenField is one field of a golden record.
var GoldenField = mapping(slices.Concat([]document.Key{
	need("name", written(fieldName), "字段名；数据集中同名的字段自动对上", "its name; fields of datasets that are called so are taken by themselves"),
	may("title", text, "名称，缺省为数据元的", "its title, by default the element's"),
	may("english", text, "英文名称，缺省为数据元的", "its title in English, by default the element's"),
	need("element", text, "哪个数据元", "which element"),
	may("group", text, "同进同退的组：组内各字段总取自同一行", "a group in step: its fields always come from one row"),
}, Narrow)...)

// Authority is one version of the authority table.
var Authority = mapping(
	need("version", number(1, 1_000_000), "版本，逐版递增", "its version, rising from one to the next"),
	need("effective", written(day), "从哪天起生效，逐版递增；到这一天自动改用", "the day from which it is in force, rising; it is taken by itself on that day"),
	may("basis", text, "责任清单的依据", "the list of responsibilities it rests on"),
	need("sources", named(nil, list(Candidate)), "字段或组对应数源，按次序，第一个有值的为准；确实没有数源写 []", "by field or group its sources in rank order: the first that has a value wins; [] if there is none"),
)

// Candidate is one source of a field.
var Candidate = mapping(
	need("dataset", text, "取自哪个数据集；须在其 entities 中关联本实体", "the dataset; its entities must name this entity"),
	may("role", text, "以什么身份关联的行", "rows that are linked in this role"),
	may("columns", named(nil, text), "可信记录的字段对应数据集的字段；写了就只取写的，缺省为同名字段", "the dataset's field for each golden field; written, only those are taken, by default those of the same name"),
	may("constant", named(nil, text), "字段对应固定的值：有这样一行就等于这么说", "a fixed value for a field: that there is such a row says it"),
	may("where", text, "哪些行算数：CEL，变量 row", "which rows count: CEL over row"),
	or("newest", may("pick", written(pick), "几行里取哪一行，见下", "which of several rows is taken, see below")),
	may("flag", text, "取自此处时给格子加的标记，如 非权威", "a mark on the cell when it comes from here, such as 非权威"),
	or("false", may("same_rank", flag, "与上一个同级，由 pick 在两者的行里挑", "of the rank of the one before: pick decides among the rows of both")),
)

// Aggregate is one aggregate.
var Aggregate = mapping(
	need("name", written(lowerName), "名称，规则中写 agg.名称", "its name, agg.NAME in rules"),
	need("dataset", text, "数哪个数据集的行", "the dataset whose rows are counted"),
	may("role", text, "以什么身份关联的行", "rows that are linked in this role"),
	may("where", text, "哪些行算数：CEL，变量 row", "which rows count: CEL over row"),
	may("sum", text, "求和的字段；不写为计数", "the field that is summed; left out, rows are counted"),
)

// EntityView is a view of an entity.
var EntityView = mapping(slices.Concat(viewKeys, []document.Key{
	may("embed", list(Embed), "嵌入有关的行，列名为数据集的代号", "rows about it, in a column called as their dataset"),
})...)

// Embed is the rows of one dataset in a view.
var Embed = mapping(slices.Concat([]document.Key{
	need("dataset", text, "哪个数据集", "which dataset"),
	may("role", text, "以什么身份关联的行", "rows that are linked in this role"),
}, shown, []document.Key{
	or("100", may("max", number(0, 1000), "至多几行", "rows at most")),
})...)

// Rule is rules/<id>.yaml.
var Rule = mapping(
	need("rule", written(ruleName), "规则编号，与文件名相同", "its id, the same as the file's name"),
	need("title", text, "名称", "its title"),
	may("english", text, "英文名称", "its title in English"),
	need("entity", text, "关于哪种实体", "the kind of entity that it is about"),
	need("severity", words("high", "medium", "low"), "严重程度", "its severity"),
	may("basis", text, "法律依据", "the law it rests on"),
	need("advice", text, "处理建议", "what to do about a finding"),
	need("cases", some(Case), "情形：每种怎样判定、由谁处理", "cases: how each is told, and who acts"),
)

// Case is one way in which a rule is broken.
var Case = mapping(
	need("id", written(lowerName), "情形的代号，规则内不重复", "its id, unique in the rule"),
	need("inputs", several, "读哪些：数据集、数据集/身份、golden、agg.名称；其一变化即重新判定，条件只能读写明的", "what it reads: DATASET, DATASET/role, golden, agg.NAME; a change of one has it judged again, and the condition may read no other"),
	need("when", text, "CEL，为真即有矛盾，见下", "CEL, true is a contradiction, see below"),
	need("owner", text, "由哪个部门处理；provider 为提供那一行的部门", "the department that acts; provider = whoever provided the row"),
	may("evidence", texts, "展示哪些依据（脱敏后）：数据集.字段、golden.字段、agg.名称", "what is shown as evidence, masked: DATASET.FIELD, golden.FIELD, agg.NAME"),
	or("0", may("settle", written(duration), "矛盾须持续多久才成为核验结果，0 到 24h；给两个部门先后到达留时间", "how long it must hold before it is a finding, 0 to 24h: time for two departments' rows to come one after the other")),
	may("until", text, "CEL，得一个时刻：到那时即使没有变化也重新判定（如 死亡日期 + 30 天）", "CEL, a moment at which it is judged again though nothing changed (30 days after a death)"),
	or("10", may("days", number(0, 1000), "几个工作日内处理", "working days until it is due")),
	or(schemas.Contradiction, may("certainty", words(schemas.Contradiction, schemas.ToConfirm), "contradiction 两边不可能都对；to_confirm 可能合法，须有人看", "contradiction: both cannot be right; to_confirm: it may be lawful, somebody must look")),
)
