package element

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

const millisADay = int64(24 * 60 * 60 * 1000)

// The days a date may be: registers hold people born in the 19th century, and
// 9999-12-31 is how they write "no end".
var (
	firstDay = time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC).Unix() / 86400
	lastDay  = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).Unix() / 86400
)

var (
	errDate    = fail(CodeDate, "日期不存在或不在 1800 到 9999 年之间，格式 2026-01-31 或 20260131", "no day of the calendar, or not between 1800 and 9999; write 2026-01-31 or 20260131")
	errBoolean = fail(CodeSet, "应为 是/否, true/false 或 1/0", "expected true/false, 1/0 or 是/否")
	errNumber  = fail(CodeCharacters, "不是数字", "not a number")
	errBig     = fail(CodeRange, "数字太大", "the number is too large")
)

// flat is the half-width form of a number or a date, inner spaces kept.
func flat(s string) string {
	return strings.TrimFunc(clean(s, func(r rune) rune {
		if space(r) {
			return ' '
		}
		if r == '\u2212' {
			return '-'
		}
		return narrow(r)
	}), space)
}

var chineseDate = strings.NewReplacer("年", "-", "月", "-", "日", "", "号", "", "/", "-", ".", "-")

// parseDate reads 20060102, 2006-01-02, 2006/1/2, 2006.1.2, 2006年1月2日, each
// also with a time of midnight behind it, as databases and spreadsheets write it.
func parseDate(raw string) (schemas.Value, error) {
	s := flat(raw)
	if len(s) == 5 && digits(s) {
		return schemas.Null, fail(CodeSpreadsheet, "看起来是电子表格的日期序号，请按文本 2026-01-31 导出", "this looks like a spreadsheet's day number, export it as text 2026-01-31")
	}
	day, clock := s, ""
	if len(s) == 14 && digits(s) {
		day, clock = s[:8], s[8:10]+":"+s[10:]
	} else if i := strings.IndexAny(s, " T"); i > 0 {
		day, clock = s[:i], strings.TrimLeft(s[i+1:], " ")
	}
	if clock != "" && !midnight(clock) {
		return schemas.Null, errDate
	}
	t, ok := parseDay(day)
	if !ok {
		return schemas.Null, errDate
	}
	v := schemas.Day(t)
	if zeroDay(v.Int64()) {
		return schemas.Null, errZeroDay
	}
	return v, nil
}

// zeroDay reports the days that programs write where they have none: day 0 of
// spreadsheets and of the databases beside them.
func zeroDay(n int64) bool { return n == spreadsheetZero || n == spreadsheetZero+1 }

var (
	spreadsheetZero = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).Unix() / 86400
	errZeroDay      = fail(CodeDate, "这一天是电子表格的零日，表示没有日期，请留空", "this is day 0 of spreadsheets and stands for no date: leave it empty")
)

// midnight reports 0:00, 00:00:00, 00:00:00.000, with an optional Z or offset.
func midnight(clock string) bool {
	if i := strings.IndexAny(clock, "Z+-"); i >= 0 {
		clock = strings.TrimRight(clock[:i], " ")
	}
	clock = strings.NewReplacer("时", ":", "分", ":", "秒", "").Replace(clock)
	if am, ok := strings.CutSuffix(clock, "AM"); ok {
		clock = strings.TrimPrefix(strings.TrimSpace(am), "12") // 12:00:00 AM is midnight
	}
	return strings.Contains(clock, ":") && strings.Trim(clock, "0:.") == ""
}

func parseDay(s string) (time.Time, bool) {
	if len(s) == 8 && digits(s) {
		s = s[:4] + "-" + s[4:6] + "-" + s[6:]
	}
	parts := strings.Split(chineseDate.Replace(s), "-")
	if len(parts) != 3 || len(parts[0]) != 4 {
		return time.Time{}, false
	}
	var n [3]int
	for i, p := range parts {
		if !digits(p) || len(p) > 4 {
			return time.Time{}, false
		}
		n[i], _ = strconv.Atoi(p) // at most four digits
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], 0, 0, 0, 0, time.UTC)
	if n[0] < 1800 || int(t.Month()) != n[1] || t.Day() != n[2] {
		return time.Time{}, false
	}
	return t, true
}

var timestampLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999-07",
	"2006-01-02 15:04:05.999999999", "2006/1/2 15:04:05", "2006-01-02 15:04", "2006/1/2 15:04", "20060102150405",
}

// parseTimestamp reads RFC 3339 and the usual forms without a zone, which are
// Asia/Shanghai; a day alone is its midnight; 13 digits are milliseconds since 1970.
func parseTimestamp(raw string) (schemas.Value, error) {
	s := flat(raw)
	if len(s) == 13 && digits(s) {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return schemas.Null, errDate
		}
		return schemas.Int(n), nil
	}
	for _, layout := range timestampLayouts {
		t, err := time.ParseInLocation(layout, s, schemas.Zone)
		if err != nil {
			continue
		}
		v := schemas.Millis(t)
		if n := v.Int64(); n < firstDay*millisADay || n >= (lastDay+1)*millisADay {
			return schemas.Null, errDate
		}
		if day, ok := parseDay(t.Format(time.DateOnly)); ok && zeroDay(schemas.Day(day).Int64()) {
			return schemas.Null, errZeroDay
		}
		return v, nil
	}
	if day, ok := parseDay(s); ok {
		if zeroDay(schemas.Day(day).Int64()) {
			return schemas.Null, errZeroDay
		}
		y, m, d := day.Date()
		return schemas.Millis(time.Date(y, m, d, 0, 0, 0, 0, schemas.Zone)), nil
	}
	return schemas.Null, errDate
}

// plainNumber strips what people put around a number: currency, grouping.
func plainNumber(raw string) string {
	s := strings.ReplaceAll(flat(raw), " ", "")
	for _, sign := range []string{"¥", "￥", "$", "元", "RMB", "CNY"} {
		s = strings.TrimSuffix(strings.TrimPrefix(s, sign), sign)
	}
	return ungroup(strings.TrimPrefix(s, "+"))
}

// ungroup removes commas if they group by thousands; else it leaves them, and
// the number is refused: 1,5 may be one and a half.
func ungroup(s string) string {
	if !strings.Contains(s, ",") {
		return s
	}
	whole, fraction, dotted := strings.Cut(s, ".")
	groups := strings.Split(strings.TrimPrefix(whole, "-"), ",")
	for i, g := range groups {
		if !digits(g) || i > 0 && len(g) != 3 || i == 0 && len(g) > 3 {
			return s
		}
	}
	whole = strings.ReplaceAll(whole, ",", "")
	if dotted {
		return whole + "." + fraction
	}
	return whole
}

// parseDecimal reads an amount exactly: no float is involved and nothing is
// rounded.
func parseDecimal(e *schemas.Element, raw string) (schemas.Value, error) {
	s := plainNumber(raw)
	if strings.ContainsAny(s, "eE") {
		return schemas.Null, fail(CodeSpreadsheet, "金额不能用科学计数法，请按普通数字导出", "an amount must not be in scientific notation, export it as a plain number")
	}
	negative := strings.HasPrefix(s, "-")
	whole, fraction, dotted := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if whole == "" && fraction != "" {
		whole = "0"
	}
	if !digits(whole) || dotted && fraction != "" && !digits(fraction) {
		return schemas.Null, errNumber
	}
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > e.Scale {
		return schemas.Null, fail(CodePrecision, "小数超过 %d 位，不作四舍五入", "more than %d decimals, and nothing is rounded here", e.Scale)
	}
	unscaled := strings.TrimLeft(whole+fraction+strings.Repeat("0", e.Scale-len(fraction)), "0")
	if len(unscaled) > 18 {
		return schemas.Null, errBig
	}
	n := int64(0)
	if unscaled != "" {
		var err error
		if n, err = strconv.ParseInt(unscaled, 10, 64); err != nil {
			return schemas.Null, errBig
		}
	}
	if negative {
		n = -n
	}
	if err := checkDecimal(e, n); err != nil {
		return schemas.Null, err
	}
	return schemas.Int(n), nil
}

func checkDecimal(e *schemas.Element, n int64) error {
	limit := int64(1)
	for range min(e.Precision, 18) {
		limit *= 10
	}
	if n >= limit || n <= -limit {
		return fail(CodeRange, "超过 %d 位数字", "more than %d digits", e.Precision)
	}
	return bounds(e, n, e.Scale)
}

// parseCount reads a whole number; a fraction of zeros, as spreadsheets add, is none.
func parseCount(e *schemas.Element, raw string) (schemas.Value, error) {
	s := plainNumber(raw)
	if scientific(s) {
		return schemas.Null, errSpreadsheet
	}
	if whole, fraction, dotted := strings.Cut(s, "."); dotted && strings.Trim(fraction, "0") == "" {
		s = whole
	}
	if !digits(strings.TrimPrefix(s, "-")) {
		return schemas.Null, fail(CodeCharacters, "不是整数", "not a whole number")
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return schemas.Null, errBig
	}
	if err := checkCount(e, n); err != nil {
		return schemas.Null, err
	}
	return schemas.Int(n), nil
}

func checkCount(e *schemas.Element, n int64) error {
	if e.Kind == "count" && e.Min == nil && n < 0 {
		return fail(CodeRange, "数量不能为负", "a count cannot be negative")
	}
	return bounds(e, n, 0)
}

// bounds compares exactly with the element's min and max.
func bounds(e *schemas.Element, unscaled int64, scale int) error {
	if e.Min == nil && e.Max == nil {
		return nil
	}
	value := new(big.Rat).SetFrac(big.NewInt(unscaled), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
	if e.Min != nil && value.Cmp(exact(*e.Min)) < 0 {
		return fail(CodeRange, "小于最小值 %s", "less than the least value %s", strconv.FormatFloat(*e.Min, 'f', -1, 64))
	}
	if e.Max != nil && value.Cmp(exact(*e.Max)) > 0 {
		return fail(CodeRange, "大于最大值 %s", "greater than the greatest value %s", strconv.FormatFloat(*e.Max, 'f', -1, 64))
	}
	return nil
}

// exact is the decimal number that a manifest wrote, not the float nearest to it.
func exact(f float64) *big.Rat {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'f', -1, 64))
	if !ok {
		return new(big.Rat)
	}
	return r
}

func parseBoolean(raw string) (schemas.Value, error) {
	switch strings.ToLower(flat(raw)) {
	case "1", "true", "t", "yes", "y", "是", "真":
		return schemas.Bool(true), nil
	case "0", "false", "f", "no", "n", "否", "假":
		return schemas.Bool(false), nil
	}
	return schemas.Null, errBoolean
}
