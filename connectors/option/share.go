package option

import (
	"fmt"
	"strconv"
	"strings"
)

// Share is an option in percent: 20, 0.5, "20%".
type Share float64

// DefaultDeleteLimit is the share of a table's rows that may vanish in one copy
// of the whole before a person is asked.
const DefaultDeleteLimit Share = 20

// Exceeded reports whether n of so many rows are more than the share: 20 of 100
// are not more than 20%, 21 are. 100 is never exceeded; of a limit of 0 any row is.
func (s Share) Exceeded(n, of int) bool {
	return n > 0 && float64(n)*100 > float64(s)*float64(of)
}

// String writes the share as an option does.
func (s Share) String() string { return strconv.FormatFloat(float64(s), 'f', -1, 64) + "%" }

// TooManyDeletes says in words why a whole copy stands still: how many of how many
// rows it would delete, and by which command, in both languages, a person answers.
// Nothing of it is published until then.
func TooManyDeletes(what string, n, of int, limit Share, answer string) string {
	return fmt.Sprintf("%s：将删除 %d/%d 行，超过 delete_limit %s，已暂停，等待确认 / it would delete %d of %d rows, more than delete_limit %s, and stands still until somebody answers: %s",
		what, n, of, limit, n, of, limit, answer)
}

// Take implements Value.
func (s *Share) Take(given any) bool {
	var n float64
	switch g := given.(type) {
	case string:
		var err error
		if n, err = strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(g, "%")), 64); err != nil {
			return false
		}
	case float64:
		n = g
	default:
		whole, ok := Whole(given)
		if !ok {
			return false
		}
		n = float64(whole)
	}
	*s = Share(n)
	return n >= 0 && n <= 100
}

// Kind implements Value.
func (*Share) Kind() (kind, zh, en string) {
	return "percent", " 0 到 100 的百分数，如 20、0.5、20%", "a share from 0 to 100 such as 20, 0.5, 20%"
}
