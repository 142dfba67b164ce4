package format

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// Dataset is datasets/<id>.yaml.
var Dataset = mapping(
	need("dataset", written(idName), "数据集的代号，与文件名相同；"+reservedZH, "its id, the same as the file's name; "+reservedEN),
	need("title", text, "名称", "its title"),
	may("english", text, "英文名称", "its title in English"),
	may("summary", text, "摘要", "a summary"),
	need("provider", text, "提供部门，departments.yaml 中的代号", "the department that provides it, an id of departments.yaml"),
	need("code", written(resourceCode), "政务信息资源代码，全城不重复", "the code of the information resource, unique in the city"),
	need("class", words("A", "B", "C"), "共享类型：A 无条件，B 有条件，C 不予共享（只可核验）", "A shared, B shared on condition, C not shared (verification only)"),
	may("basis", text, "法律依据；C 类必填", "the law it rests on; class C needs it"),
	need("cycle", words("realtime", "daily", "weekly", "monthly", "quarterly", "halfyear", "yearly"), "更新周期；数据时间晚于它即为陈旧", "how often it is renewed; an answer that is older is stale"),
	or("database", may("format", words("database", "spreadsheet", "file", "document", "image", "stream", "service"), "信息资源格式", "the format of the resource")),
	may("system", text, "所属系统", "the system that holds it"),
	or("false", may("returned", flag, "回流：上级系统把本市的行发还；须写 system", "given back to the city by the system of a higher level, which system names")),
	need("key", several, "主键字段", "the fields of the key"),
	may("entities", list(Link), "每行说的是谁", "whom a row speaks about"),
	need("fields", some(Field), "字段，至多 500 个", "the fields, 500 at most"),
	may("views", named(lowerName, View), "视图：名称对应看到什么；视图名为 数据集.名称", "views by name; a view is called DATASET.NAME"),
)

// Link says that a row speaks about an entity.
var Link = mapping(
	need("entity", text, "哪种实体，entities/ 中的代号", "the kind of entity, an id of entities/"),
	need("key", text, "哪个字段是它的主键", "the field that holds its key"),
	may("role", written(lowerName), "以什么身份：不写为这一行自己的主体；法定代表人、配偶等各起一个名称", "as what: left out, the row's own subject; a legal representative, a spouse have a name each"),
)

// Field is one field of a dataset.
var Field = mapping(slices.Concat([]document.Key{
	need("name", written(fieldName), "字段名，文件和表里的列名", "its name, as columns of files and tables are called"),
	may("title", text, "名称，缺省为数据元的", "its title, by default the element's"),
	may("english", text, "英文名称，缺省为数据元的", "its title in English, by default the element's"),
	need("element", text, "值是哪个数据元，elements.yaml 中的代号", "what its value is, an id of elements.yaml"),
	may("level", words(Levels...), "分级，缺省为数据元的", "its level, by default the element's"),
	or("false", may("nullable", flag, "可以为空；不写则空值的行退回", "may be null; without it a row that lacks it is refused")),
	or("false", may("source", flag, "本数据集是此数据项的数源（一数一源）", "this dataset is the accountable source of the field")),
}, Narrow)...)

// shown are the keys of views and of what is embedded in them.
var shown = []document.Key{
	may("fields", several, "给出哪些字段，缺省为全部", "the fields that are shown, by default all"),
	may("mask", named(nil, masks()), "字段对应怎样脱敏；没写的用数据元的缺省", "how a field is masked; those left out as their element says"),
	or("default", may("base", words("default", "clear"), "没写脱敏的字段：default 用数据元的缺省，clear 为明文。名为 clear 的视图缺省为 clear", "fields without a mask: default = as their element says, clear = in clear. A view called clear is clear by default")),
}

var viewKeys = slices.Concat([]document.Key{
	may("title", text, "名称，缺省为其所属的", "its title, by default its owner's"),
	may("audience", text, "令牌属于谁；受众相同的视图可以凭令牌关联，缺省为本视图自己", "whose tokens it has; views of one audience can be joined by them, by default the view's own"),
}, shown, []document.Key{
	may("only", words("verify"), "verify：只存带密钥摘要，只答是否一致；至少两个字段，不写 mask", "verify: keyed digests only, answers yes or no; two fields at least, no mask"),
})

// View is a view of a dataset.
var View = mapping(viewKeys...)
