package handbook

import "strings"

func picks(b *strings.Builder) error {
	b.WriteString(pick)
	return nil
}

const pick = "## `pick`：几行里取哪一行 / Which of several rows\n\n" + `数源按 ` + "`sources`" + ` 里的次序，第一个有值的为准；同一数源有几行时由 ` + "`pick`" + ` 挑：
Sources count in the order of ` + "`sources`" + `, the first that has a value wins; among several rows of one, ` + "`pick`" + ` decides:

| 写法 / written | 取哪一行 / the row that is taken |
| --- | --- |
| ` + "`newest`" + `（默认 / default） | 源系统最后提交的一行。整行的时间：改了别的列也算新 / the row that its source committed last. It is the row's time: a change of another column makes it new |
| ` + "`latest A`" + ` | 字段 A 最大（日期最晚）的一行 / the row of the greatest A |
| ` + "`earliest A`" + ` | 字段 A 最小的一行 / the row of the smallest A |
| ` + "`latest A\\|B`" + ` | A 为空时看 B / B where A is null |
| ` + "`latest A\\|B,C`" + ` | 在前面相同时再看 C / C where those are equal |

没有值的行不参加。全都相同时（ties），` + "`latest` 和 `newest`" + ` 取（行主键、数据集、身份）最大的，` + "`earliest`" + ` 取最小的，因此与到达次序无关。` + "`same_rank: true`" + ` 的数源与上一个同级，两者的行放在一起挑，写法须相同。
Rows without a value do not take part. Where all is equal, ` + "`latest` and `newest`" + ` take the greatest of (row key, dataset, role), ` + "`earliest`" + ` the smallest, so that the order of arrival decides nothing. A source with ` + "`same_rank: true`" + ` competes with the one before it: their rows are picked from together, in the same way.

`

const cel = "## 条件 / Conditions\n\n" + `` + "`where`、`when`、`until`" + ` 用 [CEL](https://cel.dev) 写。` + "`where`" + ` 读一行：` + "`row.字段`" + `。规则读 ` + "`inputs`" + ` 里写明的：每个数据集是一个行的列表，带身份的 ` + "`SC01/legal_rep`" + ` 写作 ` + "`SC01_legal_rep`" + `；还有 ` + "`golden.字段`、`agg.名称`" + `，以及 ` + "`key`（主键）、`now`、`today`" + `。字段名拼错、类型不符在检查时就报错。
These are written in CEL. ` + "`where`" + ` reads one row; a rule reads what its ` + "`inputs`" + ` name: each dataset is a list of rows, ` + "`SC01/legal_rep`" + ` is called ` + "`SC01_legal_rep`" + `; then ` + "`golden.FIELD`, `agg.NAME`, and `key`, `now`, `today`" + `. A misspelt field or types that do not go together are found when it is checked.

- 与空值比大小、读不存在的行得 null，null 不算成立。 / What compares null by order, or looks into an absent row, is null, which does not hold.
- 名称、地址、编号按比较形式比较，写法不同不算不同。 / Names, addresses and numbers are compared by their normal form.
- 说“没有”的条件（` + "`size(X) == 0`" + `）在 X 的首个完整副本到来之前不成立。 / What says that something is missing waits for the first complete copy of its dataset.
- ` + "`settle: 5s`" + `：成立满 5 秒才成为核验结果；其间不再成立就什么也没有发生。 / It must hold for 5 s; if it ceases before, nothing happened.
- ` + "`until`" + `：条件只因时间过去而成立的时刻（去世满 30 天）；到时由定时器再判定，不写就要等下一次变更。 / The moment at which time alone makes it true; without it the next change has to come.
- ` + "`past: true`" + `：日期晚于明天的行退回，因为所记的事还没有发生。 / A row dated after tomorrow is refused.

CEL 自带的（` + "`exists all filter map size has`" + ` 等）和 ` + "`cel.bind`、`math.*`、字符串函数" + `之外，还有：
Beside those of CEL itself, ` + "`cel.bind`, `math.*`" + ` and functions of strings, there are:

`
