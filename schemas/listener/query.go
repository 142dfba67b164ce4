package listener

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Query takes a query apart. What is unknown, duplicate, empty or malformed is
// returned as what is wrong; nothing of a query is ignored. A name that nobody
// knows is repeated only if it can be no value: letters alone, and few.
func Query(raw string, known ...string) (map[string]string, []problem.Part) {
	if raw == "" {
		return nil, nil
	}
	values := map[string]string{}
	var wrong []problem.Part
	n := 0
	for pair := range strings.SplitSeq(raw, "&") {
		n++
		name, value, hasValue := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		where := "query[" + strconv.Itoa(n-1) + "]"
		if err == nil && slices.Contains(known, name) {
			where = name
		}
		value, bad := url.QueryUnescape(value)
		_, twice := values[name]
		switch {
		case err != nil || bad != nil || strings.Contains(pair, ";"):
			wrong = append(wrong, problem.Part{Location: where, Message: "百分号编码有误或含有分号", MessageEN: "malformed percent-encoding or a semicolon"})
		case !slices.Contains(known, name):
			wrong = append(wrong, unknown(where, name, known))
		case twice:
			wrong = append(wrong, problem.Part{Location: where, Message: "参数重复，只可出现一次", MessageEN: "duplicate: it can be given once"})
		case !hasValue && pair == "" || value == "" && !(flag(name) && !hasValue):
			wrong = append(wrong, problem.Part{Location: where, Message: "参数没有值；不需要就不要写", MessageEN: "empty: leave it out if it is not needed"})
		default:
			values[name] = value
		}
		if len(wrong) == maxWrong {
			break
		}
	}
	return values, wrong
}

const maxWrong = 20

// flag reports whether a parameter says something by being there.
func flag(name string) bool { return name == "verbose" }

func unknown(where, name string, known []string) problem.Part {
	if Plain(name) {
		where = name
	}
	if len(known) == 0 {
		return problem.Part{Location: where, Message: "未知参数，该地址不带参数", MessageEN: "unknown parameter, this address takes none"}
	}
	list := strings.Join(known, "、")
	return problem.Part{Location: where, Message: "未知参数，可用：" + list, MessageEN: "unknown parameter, known are: " + strings.Join(known, ", ")}
}

// Plain reports whether a name that the caller typed can be said again: letters
// alone are no number, no plate and no Chinese name.
func Plain(name string) bool {
	return name != "" && len(name) <= 32 && !strings.ContainsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '-'
	})
}
