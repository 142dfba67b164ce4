package manifest

import (
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

func (l *loader) city(f file) {
	m, ok := f.root.fields("name", "english", "region", "regions", "clocks")
	if !ok {
		return
	}
	c := &l.cat.City
	c.Name, c.English, c.Region = m.text("name"), m.text("english"), regionCode(m, "region")
	seen := map[string]bool{}
	for _, item := range m.list("regions") {
		r, ok := item.fields("code", "name", "towns")
		if !ok {
			continue
		}
		region := schemas.Region{Code: regionCode(r, "code"), Name: r.text("name")}
		region.Towns, _ = r.texts("towns")
		if seen[region.Code] {
			r.at("code").problem("duplicate", "区划代码 %[1]s 重复", "region code %[1]s stands twice", region.Code)
		}
		seen[region.Code] = true
		c.Regions = append(c.Regions, region)
	}
	if m.has("clocks") {
		clocks, ok := m.at("clocks").entries()
		for _, name := range clocks.names {
			if ok {
				c.Clocks = append(c.Clocks, schemas.ClockConfig{Name: name, Days: clocks.number(name, 0, 1000)})
			}
		}
	}
}

func regionCode(m mapping, key string) string {
	code := m.text(key)
	if code != "" && (len(code) != 6 || strings.Trim(code, "0123456789") != "") {
		m.at(key).problem("bad-value", "行政区划代码应是 6 位数字", "a region code has 6 digits")
	}
	return code
}

func (l *loader) departments(f file) {
	m, ok := f.root.fields("departments")
	if !ok {
		return
	}
	codes := map[string]string{}
	for _, item := range m.at("departments").items() {
		d, ok := item.fields("id", "title", "english", "code")
		if !ok {
			continue
		}
		dep := &schemas.Department{ID: d.at("id").named(datasetForm), Title: d.text("title"), English: d.optional("english", ""), Code: d.text("code")}
		if l.known.departments[dep.ID] != nil {
			d.at("id").problem("duplicate", "部门 %[1]s 重复", "department %[1]s stands twice", dep.ID)
			continue
		}
		if dep.Code != "" && len(dep.Code) != 18 {
			d.at("code").problem("bad-value", "部门的统一社会信用代码应是 18 位", "a department's code has 18 characters")
		}
		if other := codes[dep.Code]; other != "" {
			d.at("code").problem("duplicate", "代码与部门 %[1]s 相同", "the code is also department %[1]s's", other)
		}
		codes[dep.Code] = dep.ID
		l.known.departments[dep.ID] = dep
		l.cat.Departments = append(l.cat.Departments, dep)
	}
}

func (l *loader) purposes(f file) {
	m, ok := f.root.fields("purposes")
	if !ok {
		return
	}
	for _, item := range m.at("purposes").items() {
		p, ok := item.fields("id", "title", "english", "basis", "scenarios")
		if !ok {
			continue
		}
		purpose := &schemas.Purpose{ID: p.at("id").named(codeForm), Title: p.text("title"), English: p.optional("english", ""), Basis: p.optional("basis", "")}
		purpose.Scenarios, _ = p.texts("scenarios")
		if l.known.purposes[purpose.ID] != nil {
			p.at("id").problem("duplicate", "用途 %[1]s 重复", "purpose %[1]s stands twice", purpose.ID)
			continue
		}
		l.known.purposes[purpose.ID] = purpose
		l.cat.Purposes = append(l.cat.Purposes, purpose)
	}
}

func (l *loader) calendar(f file) {
	m, ok := f.root.fields("year", "holidays", "workdays")
	if !ok {
		return
	}
	year := m.text("year")
	if "calendar-"+year != f.stem() {
		m.at("year").problem("file-name", "文件名应是 calendar-%[1]s.yaml", "the file should be called calendar-%[1]s.yaml", year)
		return
	}
	for _, part := range []struct {
		key  string
		days map[string]string
	}{{"holidays", l.cat.Calendar.Holidays}, {"workdays", l.cat.Calendar.Workdays}} {
		if !m.has(part.key) {
			continue
		}
		days, _ := m.at(part.key).entries()
		for _, day := range days.names {
			at := days.keys[day]
			t, err := time.Parse(time.DateOnly, day)
			_, holiday := l.cat.Calendar.Holidays[day]
			weekend := err == nil && (t.Weekday() == time.Saturday || t.Weekday() == time.Sunday)
			switch {
			case err != nil || day[:4] != year:
				at.problem("bad-value", "%[1]q 不是 %[2]s 年的日期，格式 2026-01-31", "%[1]q is not a day of %[2]s, write 2026-01-31", day, year)
			case part.key == "workdays" && !weekend:
				at.problem("bad-value", "%[1]s 本来就是工作日，调休只写周末", "%[1]s is a weekday, only weekend days can be made working days", day)
			case part.key == "workdays" && holiday:
				at.problem("bad-value", "%[1]s 既放假又上班", "%[1]s is both a holiday and a working day", day)
			default:
				part.days[day] = days.optional(day, "")
			}
		}
	}
}
