package indicator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Indicator is one number with its formula and the list behind it.
type Indicator struct {
	ID      string
	Title   string
	English string
	Value   float64
	Target  float64
	Met     bool
	// Unknown says that nobody can say yet that the target is met: what was observed is
	// not a whole window long, or nobody has asked in it. That it is not met is known at once.
	Unknown bool
	// Observed is for how long that was watched which the number rests on, the shortest
	// of what counts, and Lookups how often somebody asked for it; both of the window
	// before now. Zero Window: the number rests on no window.
	Window      time.Duration
	Observed    time.Duration
	Lookups     uint64
	Formula     string
	FormulaEN   string
	Numerator   int
	Denominator int
	Items       []Item
}

// Item is one dataset or department and why it counts or does not.
type Item struct {
	ID      string
	Title   string
	Counted bool
	Why     string
}

// Dataset is what is known of a dataset now.
type Dataset struct {
	Published bool // at least one view is complete in the cache
	Rows      int64
	Running   bool          // its source neither stopped nor failed
	Within    bool          // not older than its cycle allows
	Lag       time.Duration // age of what is in the cache
	Known     bool          // a source has been heard
	Health    Summary
}

// Targets are the lines the numbers are held against.
type Targets struct {
	Realtime     float64       // 0.7
	Departments  float64       // 0.9
	Datasets     float64       // 0.9
	Mutual       float64       // 0.5
	Availability float64       // 0.999
	P99          time.Duration // 100 ms
	Fresh        float64       // 0.95: of a whole window, within what real time allows
}

// WithDefaults fills what is zero.
func (t Targets) WithDefaults() Targets {
	set := func(p *float64, v float64) {
		if *p == 0 {
			*p = v
		}
	}
	set(&t.Realtime, 0.7)
	set(&t.Departments, 0.9)
	set(&t.Datasets, 0.9)
	set(&t.Mutual, 0.5)
	set(&t.Availability, 0.999)
	set(&t.Fresh, 0.95)
	if t.P99 == 0 {
		t.P99 = 100 * time.Millisecond
	}
	return t
}

// Compute returns every indicator.
func Compute(c *schemas.Catalogue, t Targets, of func(*schemas.Dataset) Dataset) []Indicator {
	state := make(map[string]Dataset, len(c.Datasets))
	for _, d := range c.Datasets {
		state[d.ID] = of(d)
	}
	all, shareable := realtime(c, t, state)
	return []Indicator{all, shareable, departments(c, t, state), datasets(c, t, state), mutual(c, t, state)}
}

// realtime is the share of datasets that can be queried in real time, of all
// and of the shareable ones.
func realtime(c *schemas.Catalogue, t Targets, state map[string]Dataset) (all, shareable Indicator) {
	all = Indicator{
		ID: "realtime", Title: "实时可查率", English: "Queryable in real time", Target: t.Realtime,
		Formula: fmt.Sprintf("近24小时网关可用率≥%.1f%%、查询P99≤%dms(不足100次不计)、实测时延此刻在60秒之内且满24小时后不低于%.0f%%的时间在60秒之内的已发布A/B类实时数据集数 ÷ 全部数据集数；观察满24小时且有人查询之后才认定达标",
			100*t.Availability, t.P99.Milliseconds(), 100*t.Fresh),
		FormulaEN: fmt.Sprintf("published class A/B real-time datasets with availability >= %.1f%% and p99 <= %d ms (of 100 look-ups or more) over the last 24 h and observed lag within 60 s, now and, once watched for 24 h, %.0f%% of the time, of all datasets; called met only once watched for 24 h and asked by somebody",
			100*t.Availability, t.P99.Milliseconds(), 100*t.Fresh),
	}
	shareable = all
	shareable.ID, shareable.Title, shareable.English = "realtime_shareable", "可共享数据实时可查率", "Shareable data queryable in real time"
	shareable.Formula = strings.Replace(all.Formula, "全部数据集数", "可共享(A/B类)数据集数", 1)
	shareable.FormulaEN = strings.Replace(all.FormulaEN, "of all datasets", "of the shareable (A/B) datasets", 1)
	for _, d := range c.Datasets {
		counted, why := queryable(d, t, state[d.ID])
		item := Item{d.ID, d.Title, counted, why}
		all.add(item)
		all.rests(counted, state[d.ID].Health)
		if d.Class != "C" {
			shareable.add(item)
			shareable.rests(counted, state[d.ID].Health)
		}
	}
	return all.done(), shareable.done()
}

// rests takes in what was observed of a dataset that counts.
func (i *Indicator) rests(counted bool, h Summary) {
	if i.Window = Window; !counted {
		return
	}
	if i.Numerator == 1 || h.Observed < i.Observed {
		i.Observed = h.Observed
	}
	i.Lookups += h.Lookups
}

// queryable says whether a dataset counts as queryable in real time, and why.
func queryable(d *schemas.Dataset, t Targets, s Dataset) (bool, string) {
	switch {
	case d.Class == "C":
		return false, "不予共享(C类) / class C, not shared"
	case d.Cycle != "realtime":
		return false, "更新周期不是实时 / its cycle is " + d.Cycle
	case !s.Published:
		return false, "尚未发布或正在加载 / not published or still loading"
	case !s.Known:
		return false, "没有数据源上报 / no source has been heard"
	case !s.Running:
		return false, "数据源已停止 / its source has stopped"
	case !s.Within:
		return false, fmt.Sprintf("数据已滞后 %d 秒 / %d s behind", int(s.Lag.Seconds()), int(s.Lag.Seconds()))
	case s.Health.Availability < t.Availability:
		return false, fmt.Sprintf("可用率 %.2f%% 低于目标 / availability %.2f%% below target", 100*s.Health.Availability, 100*s.Health.Availability)
	case s.Health.P99 > t.P99:
		return false, fmt.Sprintf("P99 %d 毫秒超过目标 / p99 %d ms above target", s.Health.P99.Milliseconds(), s.Health.P99.Milliseconds())
	case s.Health.Observed >= Window && s.Health.Fresh < t.Fresh:
		return false, fmt.Sprintf("近24小时只有 %.1f%% 的时间在60秒之内，不是实时 / within 60 s only %.1f%% of the last 24 h: not real time", 100*s.Health.Fresh, 100*s.Health.Fresh)
	}
	h := s.Health
	return true, fmt.Sprintf("实时可查：已观察 %[1]s，查询 %[2]d 次，%.1[3]f%% 的时间在60秒之内 / queryable in real time: watched for %[1]s, %[2]d look-ups, within 60 s %.1[3]f%% of the time",
		h.Observed.Truncate(time.Minute), h.Lookups, 100*h.Fresh)
}

// departments is the share of departments that share data.
func departments(c *schemas.Catalogue, t Targets, state map[string]Dataset) Indicator {
	out := Indicator{
		ID: "departments", Title: "部门接入率", English: "Departments sharing", Target: t.Departments,
		Formula:   "至少有一个已发布且有数据的A/B类数据集的部门数 ÷ 目录中的部门数",
		FormulaEN: "departments with at least one published class A/B dataset that holds data, of the departments in the catalogue",
	}
	for _, dep := range c.Departments {
		var sharing []string
		for _, d := range c.Datasets {
			if d.Provider == dep && d.Class != "C" && state[d.ID].Published && state[d.ID].Rows > 0 {
				sharing = append(sharing, d.ID)
			}
		}
		item := Item{ID: dep.ID, Title: dep.Title, Counted: len(sharing) > 0, Why: "没有共享数据 / shares nothing"}
		if item.Counted {
			item.Why = strings.Join(sharing, " ")
		}
		out.add(item)
	}
	return out.done()
}

// datasets is the share of the catalogue that is shared and holds data.
func datasets(c *schemas.Catalogue, t Targets, state map[string]Dataset) Indicator {
	out := Indicator{
		ID: "datasets", Title: "共享数据集", English: "Datasets shared", Target: t.Datasets,
		Formula:   "已发布且有数据的A/B类数据集数 ÷ 全部数据集数",
		FormulaEN: "published class A/B datasets that hold data, of all datasets",
	}
	for _, d := range c.Datasets {
		s := state[d.ID]
		item := Item{ID: d.ID, Title: d.Title}
		switch {
		case d.Class == "C":
			item.Why = "不予共享(C类) / class C, not shared"
		case !s.Published:
			item.Why = "尚未发布或正在加载 / not published or still loading"
		case s.Rows == 0:
			item.Why = "没有数据 / holds no data"
		default:
			item.Counted, item.Why = true, fmt.Sprintf("%d 条 / %d rows", s.Rows, s.Rows)
		}
		out.add(item)
	}
	return out.done()
}

// mutual is the share of departments whose words are held against another's.
func mutual(c *schemas.Catalogue, t Targets, state map[string]Dataset) Indicator {
	out := Indicator{
		ID: "mutual_checking", Title: "互核互校部门率", English: "Departments in mutual checking", Target: t.Mutual,
		Formula:   "有数据且作为至少一条跨部门核验规则输入的数据集所属部门数 ÷ 目录中的部门数",
		FormulaEN: "departments with a dataset that holds data and is an input of at least one rule that reads two departments or more, of the departments in the catalogue",
	}
	rules, mutual := Rules(c), acrossDepartments(c)
	for _, dep := range c.Departments {
		var by []string
		for _, d := range c.Datasets {
			if d.Provider != dep || state[d.ID].Rows == 0 {
				continue
			}
			for _, r := range rules[d.ID] {
				if mutual[r] && !slices.Contains(by, r) {
					by = append(by, r)
				}
			}
		}
		slices.Sort(by)
		item := Item{ID: dep.ID, Title: dep.Title, Counted: len(by) > 0, Why: "没有数据集参与跨部门核验 / no dataset takes part in a rule across departments"}
		if item.Counted {
			item.Why = strings.Join(by, " ")
		}
		out.add(item)
	}
	return out.done()
}

// acrossDepartments are the rules that read datasets of two departments or more: a
// department that checks itself is not checked by another.
func acrossDepartments(c *schemas.Catalogue) map[string]bool {
	providers := map[string]map[string]bool{}
	for id, rules := range Rules(c) {
		d, err := c.Dataset(id)
		if err != nil {
			continue
		}
		for _, r := range rules {
			if providers[r] == nil {
				providers[r] = map[string]bool{}
			}
			providers[r][d.Provider.ID] = true
		}
	}
	out := map[string]bool{}
	for r, of := range providers {
		out[r] = len(of) > 1
	}
	return out
}

// Rules returns, for each dataset, the rules that read it.
func Rules(c *schemas.Catalogue) map[string][]string {
	out := map[string][]string{}
	note := func(dataset, rule string) {
		if !slices.Contains(out[dataset], rule) {
			out[dataset] = append(out[dataset], rule)
		}
	}
	for _, r := range c.Rules {
		for _, k := range r.Cases {
			for _, input := range k.Inputs {
				id, _, _ := strings.Cut(input, "/")
				if name, ok := strings.CutPrefix(id, "agg."); ok {
					id = aggregated(c, r.Entity, name)
				}
				if _, err := c.Dataset(id); err == nil {
					note(id, r.ID)
				}
			}
		}
	}
	return out
}

func aggregated(c *schemas.Catalogue, entity, name string) string {
	e, err := c.Entity(entity)
	if err != nil {
		return ""
	}
	for _, a := range e.Aggregates {
		if a.Name == name {
			return a.Dataset
		}
	}
	return ""
}

func (i *Indicator) add(item Item) {
	i.Items = append(i.Items, item)
	i.Denominator++
	if item.Counted {
		i.Numerator++
	}
}

func (i Indicator) done() Indicator {
	if i.Denominator > 0 {
		i.Value = float64(i.Numerator) / float64(i.Denominator)
	}
	i.Met = i.Denominator > 0 && i.Value >= i.Target
	if i.Met && i.Window > 0 && (i.Observed < i.Window || i.Lookups == 0) {
		i.Met, i.Unknown = false, true
	}
	return i
}
