package schemas

// loserLayout is one claim that lost a cell of a golden record.
var loserLayout = MustLayout("yiyuan.resolved", "Loser",
	Column{Name: "dataset", Type: String, Doc: "数据集"},
	Column{Name: "row", Type: String, Doc: "来源行主键"},
	Column{Name: "reason", Type: String, Doc: "未采用的原因"},
	Column{Name: "value", Type: String, Nullable: true, Doc: "未采用的值"},
)

// CellLayout is one row of the column _cells of a golden record: which claim a
// cell came from, why that one won and who lost.
var CellLayout = MustLayout("yiyuan.resolved", "Cell",
	Column{Name: "field", Type: String, Doc: "字段"},
	Column{Name: "dataset", Type: String, Doc: "来源数据集"},
	Column{Name: "row", Type: String, Doc: "来源行主键"},
	Column{Name: "rule", Type: String, Doc: "数源规则"},
	Column{Name: "reason", Type: String, Doc: "采用的原因"},
	Column{Name: "flag", Type: String, Doc: "标记"},
	Column{Name: "at", Type: Timestamp, Doc: "来源提交时间"},
	Column{Name: "losers", Type: Rows, Rows: loserLayout, Doc: "未采用的来源"},
)

// The columns that every golden record carries after its fields.
const (
	VersionColumn = "_ver"   // Long: grows by one with each change of the record
	AtColumn      = "_at"    // Timestamp: commit time of the change that made this version
	CellsColumn   = "_cells" // Rows of CellLayout
)

// ResolvedLayout returns the layout of the topic resolved.<entity>: the golden
// record's columns, then _ver, _at and _cells. For an entity of a loaded
// catalogue it is the same layout at every call.
func (e *Entity) ResolvedLayout() *Layout {
	if e.resolved != nil {
		return e.resolved
	}
	columns := append([]Column(nil), e.Layout.Columns...)
	columns = append(columns,
		Column{Name: VersionColumn, Type: Long, Doc: "版本"},
		Column{Name: AtColumn, Type: Timestamp, Doc: "更新时间"},
		Column{Name: CellsColumn, Type: Rows, Rows: CellLayout, Doc: "每个字段的来源"},
	)
	l := MustLayout(e.Layout.Namespace, e.Layout.Name, columns...)
	l.Doc, l.Attrs = e.Layout.Doc, e.Layout.Attrs
	return l
}

var explainLoserLayout = MustLayout("yiyuan.shared", "ExplainLoser",
	Column{Name: "dataset", Type: String, Doc: "数据集"},
	Column{Name: "department", Type: String, Doc: "部门"},
	Column{Name: "value_masked", Type: String, Nullable: true, Doc: "未采用的值(脱敏)"},
	Column{Name: "reason", Type: String, Doc: "未采用的原因"},
)

// ExplainCellLayout is one row of the column cells of ExplainLayout.
var ExplainCellLayout = MustLayout("yiyuan.shared", "ExplainCell",
	Column{Name: "field", Type: String, Doc: "字段"},
	Column{Name: "title", Type: String, Doc: "字段名称"},
	Column{Name: "value_masked", Type: String, Nullable: true, Doc: "值(脱敏)"},
	Column{Name: "dataset", Type: String, Doc: "来源数据集"},
	Column{Name: "department", Type: String, Doc: "来源部门"},
	Column{Name: "row_token", Type: String, Doc: "来源行令牌"},
	Column{Name: "reason", Type: String, Doc: "采用的原因"},
	Column{Name: "flag", Type: String, Doc: "标记"},
	Column{Name: "at", Type: Timestamp, Doc: "来源提交时间"},
	Column{Name: "losers", Type: Rows, Rows: explainLoserLayout, Doc: "未采用的来源"},
)

// ExplainView is the name of the view that every entity with golden fields has
// without being told: why each cell of the record is what it is, masked.
const ExplainView = "explain"

// ExplainLayout is the layout of the automatic views <entity>.explain.
var ExplainLayout = MustLayout("yiyuan.shared", "Explain",
	Column{Name: "cells", Type: Rows, Rows: ExplainCellLayout, Doc: "每个字段的来源(脱敏)"},
)
