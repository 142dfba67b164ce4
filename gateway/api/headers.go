package api

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// headerSays tells of each header what it is for. Those without a value here have the
// one that the listener gives to every answer.
var headerSays = map[string]string{
	"Cache-Control":                "任何一级都不得留存回答 / no answer is kept anywhere on the way",
	"Content-Security-Policy":      "当作网页打开时什么也不加载 / opened as a page, an answer loads nothing",
	"Cross-Origin-Opener-Policy":   "别的网站打开的窗口与此无关 / no window of another site reaches this one",
	"Cross-Origin-Resource-Policy": "别的网站不得引用 / other sites do not embed an answer",
	"Referrer-Policy":              "不告诉下一个网站从哪里来 / the next site is not told where one came from",
	"X-Content-Type-Options":       "内容类型以所说为准，不猜 / the content is what it is said to be, nobody guesses",
	"X-Frame-Options":              "不得放入框架 / an answer is not shown in a frame",
	"X-Request-Id":                 "请求编号，与审计和日志中的相同 / the request's id, as in the audit and the log",
	"WWW-Authenticate":             "须出示应用密钥 / the application's key is wanted",
	"Retry-After":                  "几秒后可以重试 / seconds until it may be tried again",
	"X-Accel-Buffering":            "代理不要攒着，随到随发 / proxies pass events on as they come",
}

// headers describes, once, each header that stands beside an answer.
func headers() map[string]*huma.Header {
	least := 1.0
	schemas := map[string]*huma.Schema{
		"X-Request-Id":      {Type: huma.TypeString},
		"WWW-Authenticate":  {Type: huma.TypeString},
		"Retry-After":       {Type: huma.TypeInteger, Minimum: &least},
		"X-Accel-Buffering": {Type: huma.TypeString, Enum: []any{"no"}},
	}
	for name, values := range listener.Headers() {
		schemas[name] = &huma.Schema{Type: huma.TypeString, Enum: []any{strings.Join(values, ", ")}}
	}
	out := map[string]*huma.Header{}
	for name, schema := range schemas {
		out[name] = &huma.Header{Description: headerSays[name], Required: true, Schema: schema}
	}
	return out
}

// describeHeaders says which headers stand beside an answer.
func describeHeaders(operation, status string, r *huma.Response) {
	names := []string{"X-Request-Id"}
	for name := range listener.Headers() {
		names = append(names, name)
	}
	switch {
	case status == "401":
		names = append(names, "WWW-Authenticate")
	case status == "429" || status == "503":
		names = append(names, "Retry-After")
	case operation == "events" && status == "200":
		names = append(names, "X-Accel-Buffering")
	}
	r.Headers = map[string]*huma.Header{}
	for _, name := range names {
		r.Headers[name] = &huma.Header{Ref: "#/components/headers/" + name}
	}
}
