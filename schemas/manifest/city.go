package manifest

import (
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
)

func (l *loader) city(f file) {
	m, ok := f.root.fields(format.City)
	if !ok {
		return
	}
	c := &l.cat.City
	c.Name, c.English, c.Region = m.text("name"), m.text("english"), m.text("region")
	seen := map[string]bool{}
	for _, r := range m.each("regions") {
		region := schemas.Region{Code: r.text("code"), Name: r.text("name")}
		region.Towns, _ = r.texts("towns")
		if seen[region.Code] {
			r.at("code").problem("duplicate", "区划代码 %[1]s 重复", "region code %[1]s stands twice", region.Code)
		}
		seen[region.Code] = true
		c.Regions = append(c.Regions, region)
	}
	clocks := m.table("clocks")
	for _, name := range clocks.names {
		c.Clocks = append(c.Clocks, schemas.ClockConfig{Name: name, Days: clocks.number(name)})
	}
}

func (l *loader) departments(f file) {
	m, ok := f.root.fields(format.Departments)
	if !ok {
		return
	}
	codes := map[string]string{}
	for _, d := range m.each("departments") {
		dep := &schemas.Department{ID: d.text("id"), Title: d.text("title"), English: d.text("english"), Code: d.text("code")}
		if l.known.departments[dep.ID] != nil {
			d.at("id").problem("duplicate", "部门 %[1]s 重复", "department %[1]s stands twice", dep.ID)
			continue
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
	m, ok := f.root.fields(format.Purposes)
	if !ok {
		return
	}
	for _, p := range m.each("purposes") {
		purpose := &schemas.Purpose{ID: p.text("id"), Title: p.text("title"), English: p.text("english"), Basis: p.text("basis")}
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
	m, ok := f.root.fields(format.Calendar)
	if !ok {
		return
	}
	year, ok := m.sound("year")
	if !ok {
		return
	}
	if "calendar-"+year != f.stem() {
		m.at("year").problem("file-name", "文件名应是 calendar-%[1]s.yaml", "the file should be called calendar-%[1]s.yaml", year)
		return
	}
	for _, part := range []struct {
		key  string
		days map[string]string
	}{{"holidays", l.cat.Calendar.Holidays}, {"workdays", l.cat.Calendar.Workdays}} {
		days := m.table(part.key)
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
				part.days[day] = days.text(day)
			}
		}
	}
}
