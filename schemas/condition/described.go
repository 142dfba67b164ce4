package condition

// Function is one function of conditions, beside those of CEL itself, with an example
// over rows (a list of rows of which some field is a date D) and now.
type Function struct {
	Signature, Chinese, English, Example string
}

// Functions are all that functions declares, as the reference lists them.
func Functions() []Function {
	return []Function{
		{"id_ok(text) bool", "公民身份号码的格式和校验码都对；null 为 false", "a citizen's number has the form and the check digit; null is false", `id_ok("539902198503120013")`},
		{"uscc_ok(text) bool", "统一社会信用代码的格式和校验码都对；null 为 false", "a unified social credit code has the form and the check character; null is false", `uscc_ok("115399000009900168")`},
		{"id_birth(text) timestamp", "公民身份号码中的出生日期，不看校验码；没有则为 null", "the date of birth in a citizen's number, whatever its check digit; null if there is none", `id_birth("539902198503120013")`},
		{"id_sex(text) text", "公民身份号码中的性别：1 男，2 女；没有则为 null", "the sex in a citizen's number: 1 male, 2 female; null if there is none", `id_sex("539902198503120013")`},
		{"name_norm(text) text", "姓名的比较形式：间隔号、空格、全半角和大小写的写法不同算同一个", "a name as it is compared: spellings of dots, spaces, widths and case are one", `name_norm("阿依古丽・热合曼 ") == name_norm("阿依古丽·热合曼")`},
		{"latest(rows, \"A|B,C\") row", "A 最大的一行：A 为 null 时看 B；相同的再看 C；没有值的行不算；还相同的取行主键大的。没有行为 null", "the row of the greatest A, of B where A is null; where they are equal by C; rows without a value do not count; else by the greater row key. null of no rows", `latest(rows, "D")`},
		{"earliest(rows, \"A|B,C\") row", "同上，取最小的", "the same, the smallest", `earliest(rows, "D")`},
		{"first(rows) row", "第一行；没有行为 null", "the first row, null of none", `first(rows)`},
		{"days(a, b) int", "从 a 到 b 的日历天数（中国时间）", "calendar days from a to b, in China", `days(id_birth("539902198503120013"), now)`},
		{"days(t, n) timestamp", "t 之后 n 天的零点", "midnight n days after t", `days(id_birth("539902198503120013"), 30)`},
		{"workdays_after(t, n) timestamp", "t 之后第 n 个工作日的零点，按 calendar-YYYY.yaml", "midnight of the nth working day after t, by calendar-YYYY.yaml", `workdays_after(now, 5)`},
		{"coalesce(a, b) 或 / or (a, b, c)", "第一个不为 null 的", "the first that is not null", `coalesce(id_sex("0"), "9")`},
	}
}
