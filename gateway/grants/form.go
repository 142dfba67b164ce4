package grants

import (
	"math"

	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// How values of access.yaml are written.
var (
	text    = &document.Form{Kind: document.Text}
	several = &document.Form{Kind: document.List, Each: text, Some: true}
	digest  = &document.Form{Kind: document.Text, Pattern: document.NewPattern("", "sha256:[0-9A-Fa-f]{64}", 0, "应为 sha256: 和 64 位十六进制数字", "want sha256: and 64 hexadecimal digits")}
	until   = &document.Form{Kind: document.Text, Pattern: document.NewPattern("", `\d{4}-\d{2}-\d{2}(T.+)?`, 0, "应为日期 2026-12-31 或 RFC 3339 的时刻", "want a day 2026-12-31 or a moment in RFC 3339")}
	names   = &document.Form{Kind: document.List, Each: &document.Form{Kind: document.Text, Pattern: document.NewPattern("", "sha256:[0-9a-f]{64}|uri:[!-~]+|dns:[!-~]+", 0, "应为 sha256: 和 64 位十六进制数字、uri: 或 dns: 加名称", "want sha256: and 64 hexadecimal digits, uri: or dns: and a name")}}
)

// Form declares access.yaml, for the reference and for editors. Whether what it names is
// in the catalogue only access.New can say.
var Form = &document.Form{Kind: document.Mapping, Keys: []document.Key{{
	Name: "applications", Required: true, Chinese: "全部应用；写 [] 撤销一切", English: "all applications; [] revokes everything",
	Form: &document.Form{Kind: document.List, Each: application},
}}}

var application = &document.Form{Kind: document.Mapping, Keys: []document.Key{
	{Name: "id", Form: text, Required: true, Chinese: "应用的代号", English: "the application's id"},
	{Name: "title", Form: text, Chinese: "名称", English: "its title"},
	{Name: "department", Form: text, Required: true, Chinese: "属于哪个部门，departments.yaml 中的代号", English: "its department, an id of departments.yaml"},
	{Name: "key_digest", Form: digest, Chinese: "密钥的 SHA-256 摘要；密钥本身不写在任何地方。有 certificates 时可不写", English: "the SHA-256 digest of its key, which itself is written nowhere; may be left out beside certificates"},
	{Name: "certificates", Form: names, Chinese: "代替密钥的客户端证书", English: "client certificates that stand for the key"},
	{Name: "until", Form: until, Chinese: "到何时为止（当天结束，或一个时刻）；不写为不限", English: "until when: the end of a day, or a moment; left out = no end"},
	{Name: "purposes", Form: &document.Form{Kind: document.List, Each: text}, Chinese: "不依授权就有的用途，如 SUPERVISE", English: "purposes that need no grant, such as SUPERVISE"},
	{Name: "grants", Form: &document.Form{Kind: document.List, Each: grant}, Chinese: "授权", English: "what it may ask"},
}}

var grant = &document.Form{Kind: document.Mapping, Keys: []document.Key{
	{Name: "view", Form: text, Required: true, Chinese: "哪个视图，如 person.partial", English: "the view, such as person.partial"},
	{Name: "fields", Form: several, Required: true, Chinese: "视图的哪些字段；[\"*\"] 为全部，以后新增的也在内", English: "fields of the view; [\"*\"] is all, those added later included"},
	{Name: "purposes", Form: several, Required: true, Chinese: "为哪些用途，purposes.yaml 中的代码", English: "for which purposes, codes of purposes.yaml"},
	{Name: "until", Form: until, Chinese: "到何时为止；不写为不限", English: "until when; left out = no end"},
	{Name: "quota", Form: &document.Form{Kind: document.Number, Least: 1, Most: math.MaxInt32}, Chinese: "每分钟几条；不写为不限", English: "records a minute; left out = no limit"},
}}
