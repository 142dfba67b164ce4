package world

import "github.com/yiyuan-bus/yiyuan/schemas"

// Table is one of the datasets that are made, in the order of its code.
type Table uint8

const (
	ga01 Table = iota
	ga02
	ga03
	mz01
	mz02
	mz03
	mz04
	rs01
	rs02
	rs03
	wj01
	wj02
	yb01
	yb02
	sc01
	sc02
	sw01
	sw02
	zr01
	zj01
	zj02
	jy01
	sp01
	cl01
	tableCount
)

// TableCount is how many tables there are.
const TableCount = tableCount

// Department is one of the thirteen that feed the bus.
type Department uint8

const (
	ga Department = iota
	mz
	rs
	wj
	yb
	sc
	sw
	zr
	zj
	gj
	jy
	sp
	cl
	departmentCount
)

// departments holds the ids in the order of their constants, and the share of
// the city's neutral changes that each makes, in percent.
var departments = [departmentCount]struct {
	id    string
	share int
}{
	ga: {"GA", 20}, mz: {"MZ", 8}, rs: {"RS", 20}, wj: {"WJ", 3}, yb: {"YB", 15}, sc: {"SC", 8},
	sw: {"SW", 6}, zr: {"ZR", 4}, zj: {"ZJ", 1}, gj: {"GJ", 7}, jy: {"JY", 2}, sp: {"SP", 4}, cl: {"CL", 2},
}

// Departments returns all of them, GA first.
func Departments() []Department {
	all := make([]Department, departmentCount)
	for d := range all {
		all[d] = Department(d)
	}
	return all
}

// ID is the department's id in the catalogue.
func (d Department) ID() string { return departments[d].id }

// Share is how much of the city's neutral changes the department makes, in percent.
func (d Department) Share() int { return departments[d].share }

// DepartmentOf finds a department by its id.
func DepartmentOf(id string) (Department, bool) {
	for d := range departments {
		if departments[d].id == id {
			return Department(d), true
		}
	}
	return 0, false
}

// Column is a field with its physical type.
type Column struct {
	Name  string
	Type  schemas.Type
	Scale int
}

// layoutOf is what the generator makes of a dataset. Columns are in the order
// in which the units list their values.
type layoutOf struct {
	id      string
	owner   Department
	key     []int
	columns []Column
	// stale turns a row's values into an older image of it.
	stale func(v []schemas.Value)
}

func text(names ...string) []Column  { return typed(schemas.String, 0, names) }
func dates(names ...string) []Column { return typed(schemas.Date, 0, names) }
func longs(names ...string) []Column { return typed(schemas.Long, 0, names) }
func money(scale int, names ...string) []Column {
	return typed(schemas.Decimal, scale, names)
}

func typed(t schemas.Type, scale int, names []string) []Column {
	out := make([]Column, len(names))
	for i, n := range names {
		out[i] = Column{n, t, scale}
	}
	return out
}

func columns(parts ...[]Column) []Column {
	var out []Column
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// The ways in which an older image differs from the present one.
func staleText(i int) func([]schemas.Value) {
	return func(v []schemas.Value) { v[i] = schemas.Text(v[i].Str() + "旧") }
}

func staleNumber(i int, by int64) func([]schemas.Value) {
	return func(v []schemas.Value) { v[i] = schemas.Int(v[i].Int64() + by) }
}

func staleValue(i int, to, or string) func([]schemas.Value) {
	return func(v []schemas.Value) {
		if v[i].Str() == to {
			v[i] = schemas.Text(or)
			return
		}
		v[i] = schemas.Text(to)
	}
}

var one, two = []int{0}, []int{0, 1}

var tables = [tableCount]layoutOf{
	ga01: {"GA01", ga, one, columns(text("GMSFHM", "XM", "XBDM", "MZDM"), dates("CSRQ"), text("HJDXZQHDM", "HJDZ", "YHZGXDM", "HYZKDM", "POGMSFHM", "CSZBH", "ZXBZ", "ZXYY"), dates("ZXRQ")), staleText(6)},
	ga02: {"GA02", ga, two, columns(text("GMSFHM", "DJH", "JZDXZQHDM", "JZDZ", "LXDH"), dates("QSRQ", "ZZRQ")), staleValue(4, "19900009999", "19900009998")},
	ga03: {"GA03", ga, two, columns(text("HPHM", "HPZLDM", "SYRGMSFHM", "SYRTYSHXYDM", "CLXH"), dates("CDRQ"), text("ZTDM")), staleText(4)},
	mz01: {"MZ01", mz, one, columns(text("DJZH", "NFGMSFHM", "NVFGMSFHM", "HYZKDM", "DJLXDM"), dates("DJRQ", "LHRQ"), text("NFHQDM", "NVFHQDM", "SWFDM")), staleNumber(5, -1)},
	mz02: {"MZ02", mz, two, columns(text("JTBH", "GMSFHM", "JZLBDM"), dates("QSRQ", "ZZRQ"), money(2, "JTSR")), staleNumber(5, 10_000)},
	mz03: {"MZ03", mz, one, columns(text("HHZH", "GMSFHM"), dates("HHRQ", "SWRQ")), staleNumber(2, 1)},
	mz04: {"MZ04", mz, one, columns(text("TYSHXYDM", "JGMC", "FDDBRXM", "DJZTDM"), dates("CLRQ")), staleText(1)},
	rs01: {"RS01", rs, two, columns(text("GMSFHM", "TYSHXYDM", "XM", "CBZTDM"), money(2, "JFJS"), dates("CBQSRQ", "CBZZRQ")), staleNumber(4, -20_000)},
	rs02: {"RS02", rs, one, columns(text("GMSFHM", "DYZTDM"), money(2, "YDY"), text("YHKH", "LXDH")), staleNumber(2, -5_000)},
	rs03: {"RS03", rs, one, columns(text("TYSHXYDM", "JGMC"), longs("CBRS"), text("FDDBRXM", "DWDZ", "ZTDM")), staleNumber(2, 1)},
	wj01: {"WJ01", wj, one, columns(text("CSZBH", "XSEXM", "XBDM"), dates("CSRQ"), text("MQGMSFHM"), dates("QFRQ")), staleNumber(5, 1)},
	wj02: {"WJ02", wj, one, columns(text("ZMBH", "GMSFHM"), dates("SWRQ"), text("SWDD", "SYMS", "CXBZ")), staleText(3)},
	yb01: {"YB01", yb, one, columns(text("GMSFHM", "XM", "ZGYBZTDM", "JMYBZTDM", "CBD", "JZDZ")), staleValue(4, "539902", "539903")},
	yb02: {"YB02", yb, one, columns(text("JSH", "GMSFHM", "ZDBM"), money(2, "JE"), dates("JSRQ")), staleNumber(3, 100)},
	sc01: {"SC01", sc, one, columns(text("TYSHXYDM", "JGMC", "FDDBRXM", "FDDBRZJLX", "FDDBRZJHM"), money(4, "ZCZB"), text("BZDM"), dates("CLRQ", "HZRQ"), text("DJZTDM", "ZS", "HYDM")), staleNumber(5, 500_000)},
	sc02: {"SC02", sc, two, columns(text("TYSHXYDM", "LRH", "LRYY"), dates("LRRQ", "YCRQ")), staleText(2)},
	sw01: {"SW01", sw, one, columns(text("TYSHXYDM", "NSRZTDM", "ZGFJ", "JGMC", "FDDBRXM", "JYDZ")), staleText(2)},
	sw02: {"SW02", sw, two, columns(text("TYSHXYDM", "SSQ"), longs("SBRS"), money(2, "GZZE")), staleNumber(3, 100)},
	zr01: {"ZR01", zr, two, columns(text("BDCDYH", "QZH", "QLRGMSFHM", "QLRTYSHXYDM"), money(2, "MJ"), text("ZL", "DYBZ", "YTDM")), staleNumber(4, 100)},
	zj01: {"ZJ01", zj, one, columns(text("JZWBM", "LDZB"), longs("CS"), text("BZDZ")), staleNumber(2, 1)},
	zj02: {"ZJ02", gj, two, columns(text("GMSFHM", "TYSHXYDM", "JCZTDM"), money(2, "JCJS"), text("DWMC")), staleNumber(3, -20_000)},
	jy01: {"JY01", jy, one, columns(text("XJH", "GMSFHM", "XM", "XXMC", "NJ", "JHRGMSFHM", "ZTDM")), staleValue(4, "学前班", "预备班")},
	sp01: {"SP01", sp, one, columns(text("JDSWH", "TYSHXYDM", "XKLXDM", "JDNR"), dates("JDRQ", "GSRQ", "YXQZ"), text("JDJG", "JDJGDM", "XKZS", "XKBH")), staleText(3)},
	cl01: {"CL01", cl, one, columns(text("CJZH", "GMSFHM", "CJLBDM", "CJDJDM"), dates("YXQ")), staleNumber(4, -30)},
}

// ID is the dataset's id in the catalogue.
func (t Table) ID() string { return tables[t].id }

// Owner is the department that provides the dataset.
func (t Table) Owner() Department { return tables[t].owner }

// Columns are in the order of Event.Values; they must not be changed.
func (t Table) Columns() []Column { return tables[t].columns }

// Key names the columns of the key, by their places in Columns; it must not be changed.
func (t Table) Key() []int { return tables[t].key }

// TableOf finds a table by its dataset's id.
func TableOf(id string) (Table, bool) {
	for t := range tables {
		if tables[t].id == id {
			return Table(t), true
		}
	}
	return 0, false
}

// keyOf joins the key of a row.
func keyOf(t Table, v []schemas.Value) string {
	k := tables[t].key
	if len(k) == 1 {
		return schemas.JoinKey(v[k[0]].Str())
	}
	return schemas.JoinKey(v[k[0]].Str(), v[k[1]].Str())
}

func tablesOf(d Department) uint32 {
	var mask uint32
	for t := range tables {
		if tables[t].owner == d {
			mask |= 1 << t
		}
	}
	return mask
}
