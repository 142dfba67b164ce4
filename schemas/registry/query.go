package registry

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// paging are the parameters of what lists.
const paging = " offset limit"

// mayBeEmpty are parameters that clients send empty to say nothing: the prefix of
// all, the form that is the usual one, no tags.
var mayBeEmpty = []string{"subjectPrefix", "contextPrefix", "format", "referenceFormat", "reference_format", "findTags"}

// checkParameter says what is wrong with the value of a parameter that an operation takes:
// one that asks for what there is not here is refused by name, since the answer would be another.
func checkParameter(name, value string) *problemError {
	refuse := func(zh, en string) *problemError {
		return &problemError{problem.RegistryMember, name + "：" + zh + " / " + name + ": " + en}
	}
	switch name {
	case "subject", "subjectPrefix":
		if strings.HasPrefix(value, ":") {
			return refuse("不支持 contexts", "contexts are not supported")
		}
		return nil
	case "contextPrefix":
		return nil
	case "offset", "limit":
		if _, err := strconv.ParseInt(value, 10, 32); err != nil {
			return refuse("须为整数", "must be a whole number")
		}
		return nil
	case "format", "referenceFormat", "reference_format":
		if value != "default" {
			return refuse("不支持，模式按原样返回", "not supported, schemas are told as they are kept")
		}
		return nil
	case "findTags":
		return refuse("不支持标签", "tags are not supported")
	}
	yes, ok := truth(value)
	switch {
	case !ok:
		return refuse("须为 true 或 false", "must be true or false")
	case yes && name == "normalize":
		return refuse("不支持，模式按原样保存", "not supported, schemas are kept as they are sent")
	case yes && name == "aliases":
		return refuse("不支持别名", "aliases are not supported")
	}
	return nil
}

// truth reads true and false as any client spells them: Python writes True.
func truth(value string) (yes, ok bool) {
	switch strings.ToLower(value) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// flag reports whether a parameter that has been checked is true.
func flag(req *http.Request, name string) bool {
	yes, _ := truth(req.URL.Query().Get(name))
	return yes
}

// deletedOnly is spelled in two ways.
func deletedOnly(req *http.Request) bool {
	return flag(req, "deletedOnly") || flag(req, "deleted_only")
}

// page is the part of a list that a request asks for: a limit below zero is none, an
// offset below zero the begin.
func page[T any](req *http.Request, all []T) []T {
	q := req.URL.Query()
	if offset, err := strconv.Atoi(q.Get("offset")); err == nil {
		all = all[min(max(offset, 0), len(all)):]
	}
	if limit, err := strconv.Atoi(q.Get("limit")); err == nil && limit >= 0 {
		all = all[:min(limit, len(all))]
	}
	return all
}

// getContexts lists the one context that there is.
func getContexts(req *http.Request) (any, error) {
	all := []string{"."}
	if !strings.HasPrefix(all[0], req.URL.Query().Get("contextPrefix")) {
		all = []string{}
	}
	return page(req, all), nil
}
