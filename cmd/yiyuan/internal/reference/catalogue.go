package reference

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// cataloguePage is the sample city as its manifests say it.
func cataloguePage(cat *schemas.Catalogue) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# 示例城市%s目录 / Catalogue of %s, the sample city\n\n", cat.City.Name, cat.City.English)
	b.WriteString("由 [schemas/yunling](../../schemas/yunling) 生成。此城及其数据均为虚构。 / Made from the manifests; the city and its data are made up.\n\n")
	b.WriteString("分级 L1–L4，越高越敏感。共享类型：A 无条件共享，B 有条件共享，C 不予共享（只可核验）。★ 表示该数据集是此数据项的数源。\n")
	b.WriteString("Levels L1 to L4, rising with sensitivity. Classes: A shared, B shared on condition, C not shared (verification only). ★ = the accountable source of the field.\n\n")

	b.WriteString("## 部门 / Departments\n\n")
	var rows [][]string
	for _, d := range cat.Departments {
		var own []string
		for _, s := range cat.Datasets {
			if s.Provider == d {
				own = append(own, s.ID)
			}
		}
		rows = append(rows, []string{code(d.ID), d.Title, d.English, strings.Join(own, " ")})
	}
	table(&b, []string{"代码 / id", "部门", "department", "数据集 / datasets"}, rows)

	b.WriteString("## 数据集 / Datasets\n\n")
	rows = nil
	for _, d := range cat.Datasets {
		rows = append(rows, []string{fmt.Sprintf("[%s](#%s)", d.ID, strings.ToLower(d.ID)), d.Title, d.English, d.Provider.Title, d.Class, d.Cycle, d.Code})
	}
	table(&b, []string{"id", "名称", "title", "提供部门 / provider", "类型 / class", "周期 / cycle", "资源代码 / code"}, rows)
	for _, d := range cat.Datasets {
		datasetSection(&b, d)
	}
	b.WriteString("## 实体 / Entities\n\n")
	for _, e := range cat.Entities {
		entitySection(&b, cat, e)
	}
	b.WriteString("## 互核规则 / Cross-checks\n\n")
	for _, r := range cat.Rules {
		ruleSection(&b, r)
	}
	b.WriteString("## 代码集 / Code sets\n\n")
	b.WriteString("代码不在代码集时，数据照样接收，并由规则 `DM-<数据集>` 报告；代码集不完整的，结果待核实。长度或者字符不对的，进入问题数据。 / A code of no set is taken and found by the rule `DM-<dataset>`; where the set is partial, to be confirmed. A malformed one goes to quarantine.\n\n")
	rows = nil
	for _, s := range cat.CodeSets {
		whole := "部分 / partial"
		if s.Complete {
			whole = "完整 / complete"
		}
		rows = append(rows, []string{code(s.ID), s.Title, s.English, s.Standard, s.Version, strconv.Itoa(len(s.Codes)), whole, s.Source})
	}
	table(&b, []string{"代码集 / set", "名称", "title", "标准 / standard", "版本 / edition", "代码数 / codes", "完整性 / extent", "来源 / source"}, rows)
	b.WriteString("## 用途 / Purposes\n\n")
	rows = nil
	for _, p := range cat.Purposes {
		rows = append(rows, []string{code(p.ID), p.Title, p.English, p.Basis})
	}
	table(&b, []string{"代码 / code", "用途", "purpose", "依据 / basis"}, rows)
	return b.String()
}

func datasetSection(b *strings.Builder, d *schemas.Dataset) {
	fmt.Fprintf(b, "### %s\n\n%s / %s. %s\n\n", d.ID, d.Title, d.English, d.Summary)
	var links []string
	for _, l := range d.Links {
		link := fmt.Sprintf("`%s` (`%s`", l.Entity, l.Key)
		if l.Role != "" {
			link += ", " + l.Role
		}
		links = append(links, link+")")
	}
	fmt.Fprintf(b, "主键 / key: `%s`", strings.Join(d.Key, "|"))
	if len(links) > 0 {
		fmt.Fprintf(b, " · 关于 / about: %s", strings.Join(links, ", "))
	}
	if d.System != "" {
		fmt.Fprintf(b, " · 所属系统 / system: %s%s", d.System, mark(d.Returned, "（回流 / returned）"))
	}
	if d.Basis != "" {
		fmt.Fprintf(b, " · 依据 / basis: %s", d.Basis)
	}
	b.WriteString("\n\n")
	head := []string{"字段 / field", "名称", "title", "数据元 / element", "类型 / type", "级 / level", "可空 / null", "★"}
	for _, v := range d.Views {
		head = append(head, v.ID)
	}
	var rows [][]string
	for _, f := range d.Fields {
		row := []string{code(f.Name), f.Title, f.English, f.Element.ID, f.Element.Type.String(), f.Level, mark(f.Nullable, "是"), mark(f.Source, "★")}
		for _, v := range d.Views {
			row = append(row, maskOf(v, f.Name))
		}
		rows = append(rows, row)
	}
	table(b, head, rows)
}

func mark(yes bool, with string) string {
	if yes {
		return with
	}
	return ""
}

// maskOf is how a view shows a field: clear, the mask rule, or not at all.
func maskOf(v *schemas.View, field string) string {
	i := slices.IndexFunc(v.Fields, func(f schemas.ViewField) bool { return f.Name == field })
	switch {
	case i < 0:
		return "—"
	case v.Only != "":
		return v.Only
	case v.Fields[i].Mask == "":
		return "clear"
	}
	return v.Fields[i].Mask
}

func entitySection(b *strings.Builder, cat *schemas.Catalogue, e *schemas.Entity) {
	fmt.Fprintf(b, "### %s\n\n%s / %s，主键 / key: `%s` %s\n\n", e.ID, e.Title, e.English, e.Key.Name, e.Key.Title)
	if len(e.Fields) == 0 {
		b.WriteString("没有可信记录，只用于核验“有此无彼”。 / No golden record: it serves checks of \"this without that\".\n\n")
	}
	if len(e.Authority) > 0 {
		a := e.Authority[len(e.Authority)-1]
		fmt.Fprintf(b, "权威来源 / authority: 第 %d 版 / version %d, %s, %s\n\n", a.Version, a.Version, a.Effective.Format("2006-01-02"), a.Basis)
		var rows [][]string
		for _, f := range e.Fields {
			name := f.Name
			if f.Group != "" {
				name = f.Group
			}
			var ranked []string
			for _, c := range a.Sources[name] {
				ranked = append(ranked, candidate(c))
			}
			rows = append(rows, []string{code(f.Name), f.Title, f.English, f.Level, f.Group, strings.Join(ranked, " ▸ ")})
		}
		table(b, []string{"字段 / field", "名称", "title", "级 / level", "同取 / lock-step", "来源次序 / sources, in rank"}, rows)
	}
	var rows [][]string
	for _, v := range e.Views {
		var fields []string
		for _, f := range v.Fields {
			fields = append(fields, shown(v, f))
		}
		for _, m := range v.Embed {
			var columns []string
			for _, f := range m.Fields {
				columns = append(columns, shown(v, f))
			}
			id := m.Dataset.ID
			if m.Role != "" {
				id += "/" + m.Role
			}
			fields = append(fields, fmt.Sprintf("%s[%s]", id, strings.Join(columns, " ")))
		}
		if v.Name == schemas.ExplainView {
			fields = []string{"每格的来源与落选值（脱敏） / where each cell comes from, masked"}
		}
		rows = append(rows, []string{code(v.ID), v.Title, v.Only, v.Audience, mark(v.KeyMask, "令牌 / token"), strings.Join(fields, ", ")})
	}
	table(b, []string{"视图 / view", "名称", "仅 / only", "受众 / audience", "键 / key", "字段（脱敏规则） / fields (mask)"}, rows)
	var read []string
	for _, d := range cat.Datasets {
		for _, l := range d.Links {
			if l.Entity == e.ID && !slices.Contains(read, d.ID) {
				read = append(read, d.ID)
			}
		}
	}
	fmt.Fprintf(b, "由这些数据集说到 / spoken of by: %s\n\n", strings.Join(read, " "))
}

func shown(v *schemas.View, f schemas.ViewField) string {
	if f.Mask == "" || v.Only != "" {
		return f.Name
	}
	return f.Name + "(" + f.Mask + ")"
}

func candidate(c schemas.Candidate) string {
	text := c.Dataset
	if c.Role != "" {
		text += "/" + c.Role
	}
	var notes []string
	if c.Where != "" {
		notes = append(notes, "`"+c.Where+"`")
	}
	if c.Pick != "" && c.Pick != "newest" {
		notes = append(notes, c.Pick)
	}
	if c.SameRank {
		notes = append(notes, "同级 / same rank")
	}
	if c.Flag != "" {
		notes = append(notes, c.Flag)
	}
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, "; ") + ")"
	}
	return text
}

func ruleSection(b *strings.Builder, r *schemas.Rule) {
	fmt.Fprintf(b, "### %s\n\n%s / %s. 对象 / about: `%s`, %s", r.ID, r.Title, r.English, r.Entity, r.Severity)
	if r.Basis != "" {
		fmt.Fprintf(b, ", 依据 / basis: %s", r.Basis)
	}
	fmt.Fprintf(b, "\n\n%s\n\n", r.Advice)
	var rows [][]string
	for _, c := range r.Cases {
		settle := ""
		if c.Settle > 0 {
			settle = c.Settle.String()
		}
		rows = append(rows, []string{c.ID, c.Certainty, strings.Join(c.Inputs, " "), c.Owner, strconv.Itoa(c.Days), settle, code(strings.Join(strings.Fields(c.When), " "))})
	}
	table(b, []string{"情形 / case", "确定程度 / certainty", "依据的数据 / inputs", "承办 / owner", "工作日 / days", "静候 / settle", "条件 / when"}, rows)
}
