package contract

import "github.com/yiyuan-bus/yiyuan/schemas"

// EvidenceLayout is one row of the column evidence of FindingLayout.
var EvidenceLayout = schemas.MustLayout("yiyuan", "Evidence",
	schemas.Column{Name: "dataset", Type: schemas.String, Doc: "数据集"},
	schemas.Column{Name: "field", Type: schemas.String, Doc: "字段"},
	schemas.Column{Name: "value_masked", Type: schemas.String, Nullable: true, Doc: "值(脱敏)"},
	schemas.Column{Name: "at", Type: schemas.Timestamp, Nullable: true, Doc: "来源提交时间"},
)

// FindingLayout is the layout of the topic findings: a contradiction between
// departments as a work order with a clock.
var FindingLayout = schemas.MustLayout("yiyuan", "Finding",
	schemas.Column{Name: "id", Type: schemas.String, Doc: "核验结果编号"},
	schemas.Column{Name: "rule", Type: schemas.String, Doc: "核验规则"},
	schemas.Column{Name: "case", Type: schemas.String, Doc: "情形"},
	schemas.Column{Name: "title", Type: schemas.String, Doc: "名称"},
	schemas.Column{Name: "entity", Type: schemas.String, Doc: "主体类型"},
	schemas.Column{Name: "subject", Type: schemas.String, Doc: "主体令牌"},
	schemas.Column{Name: "subject_masked", Type: schemas.String, Doc: "主体(脱敏)"},
	schemas.Column{Name: "severity", Type: schemas.String, Doc: "严重程度"},
	schemas.Column{Name: "certainty", Type: schemas.String, Nullable: true, Doc: "确定程度 contradiction 矛盾 或 to_confirm 待核实"},
	schemas.Column{Name: "state", Type: schemas.String, Doc: "状态 open 或 closed"},
	schemas.Column{Name: "owner", Type: schemas.String, Doc: "责任部门"},
	schemas.Column{Name: "opened_at", Type: schemas.Timestamp, Doc: "发现时间"},
	schemas.Column{Name: "due", Type: schemas.Date, Doc: "办结期限"},
	schemas.Column{Name: "closed_at", Type: schemas.Timestamp, Nullable: true, Doc: "关闭时间"},
	schemas.Column{Name: "reopened", Type: schemas.Long, Doc: "重新打开次数"},
	schemas.Column{Name: "ver", Type: schemas.Long, Doc: "版本"},
	schemas.Column{Name: "advice", Type: schemas.String, Doc: "处理建议"},
	schemas.Column{Name: "evidence", Type: schemas.Rows, Rows: EvidenceLayout, Doc: "依据(脱敏)"},
)

// ClaimLayout is the layout of the topics claims.<entity>.
var ClaimLayout = schemas.MustLayout("yiyuan", "Claim",
	schemas.Column{Name: "dataset", Type: schemas.String, Doc: "数据集"},
	schemas.Column{Name: "role", Type: schemas.String, Doc: "角色"},
	schemas.Column{Name: "row", Type: schemas.String, Doc: "来源行主键"},
	schemas.Column{Name: "op", Type: schemas.String, Doc: "c 主张, d 撤回"},
	schemas.Column{Name: "source", Type: schemas.String, Doc: "来源"},
	schemas.Column{Name: "major", Type: schemas.Long, Doc: "来源提交位置"},
	schemas.Column{Name: "minor", Type: schemas.Long, Doc: "提交内序号"},
	schemas.Column{Name: "at", Type: schemas.Timestamp, Doc: "来源提交时间"},
	schemas.Column{Name: "value", Type: schemas.Bytes, Nullable: true, Doc: "来源行，带模式编号"},
	schemas.Column{Name: "epoch", Type: schemas.Long, Nullable: true, Doc: "来源重新读取的次序，空为 0"},
)

// AuditSubjectLayout is one row of the column subjects of AuditLayout.
var AuditSubjectLayout = schemas.MustLayout("yiyuan.audit", "Subject",
	schemas.Column{Name: "digest", Type: schemas.String, Doc: "查询对象(带密钥摘要)"},
	schemas.Column{Name: "found", Type: schemas.Boolean, Doc: "是否有数据"},
)

// AuditLayout is the layout of the topic audit.
var AuditLayout = schemas.MustLayout("yiyuan.audit", "Entry",
	schemas.Column{Name: "id", Type: schemas.String, Doc: "审计编号"},
	schemas.Column{Name: "time", Type: schemas.Timestamp, Doc: "时间"},
	schemas.Column{Name: "operation", Type: schemas.String, Doc: "操作"},
	schemas.Column{Name: "app", Type: schemas.String, Doc: "应用"},
	schemas.Column{Name: "department", Type: schemas.String, Doc: "部门"},
	schemas.Column{Name: "purpose", Type: schemas.String, Doc: "用途"},
	schemas.Column{Name: "view", Type: schemas.String, Doc: "视图"},
	schemas.Column{Name: "fields", Type: schemas.String, Doc: "返回的字段"},
	schemas.Column{Name: "subjects", Type: schemas.Rows, Rows: AuditSubjectLayout, Doc: "查询对象"},
	schemas.Column{Name: "decision", Type: schemas.String, Doc: "决定 allow 或 deny"},
	schemas.Column{Name: "reason", Type: schemas.String, Doc: "原因"},
	schemas.Column{Name: "status", Type: schemas.Long, Doc: "HTTP 状态"},
	schemas.Column{Name: "rows", Type: schemas.Long, Doc: "返回的条数"},
	schemas.Column{Name: "body", Type: schemas.String, Doc: "回答内容的 SHA-256"},
	schemas.Column{Name: "request", Type: schemas.String, Doc: "请求编号"},
	schemas.Column{Name: "client", Type: schemas.String, Doc: "客户端地址"},
	schemas.Column{Name: "count", Type: schemas.Long, Nullable: true, Doc: "合并的次数，空为一次"},
)
