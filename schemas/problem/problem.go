// Package problem is what every listener of the bus answers when it does not do
// what it was asked: one table, each code once, and the RFC 9457 form.
//
// A Kind is one line of the table: its code, the HTTP status apart from the
// code, title and detail in Chinese and in English. A Problem is a Kind said of
// one request. Neither ever holds a value of a record or of the question: what
// the caller typed is named by its place.
//
// The table is written into docs/reference/errors.md. A code that has been in
// use keeps its meaning for good; a new meaning takes a new code.
package problem

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MediaType is the content type of a problem.
const MediaType = "application/problem+json"

// urn precedes the code in the member type. It is a name, not an address.
const urn = "urn:yiyuan:error:"

// An Area is where a code is answered.
type Area string

// The areas of the table, in the order of the documentation.
const (
	Common   Area = "common"   // every listener
	Gateway  Area = "gateway"  // lookups, verification, pages
	Push     Area = "push"     // rows that departments send
	Admin    Area = "admin"    // the operators' listener
	Registry Area = "registry" // the schema registry, whose numbers are Confluent's
)

// Kind is one line of the table. The same code means the same everywhere.
type Kind struct {
	Code     string // YIYUAN-4031; for Registry Confluent's number, 40401
	Status   int
	Title    string
	TitleEN  string
	Detail   string
	DetailEN string
	Retry    time.Duration // for Retry-After; 0 = one second with 429 and 503, else none
	Area     Area
}

// Part says which part of a request is wrong.
type Part struct {
	Location  string `json:"location,omitempty" doc:"位置 / where"`
	Message   string `json:"message" doc:"中文说明 / in Chinese"`
	MessageEN string `json:"message_en,omitempty" doc:"英文说明 / in English"`
}

// Problem is a Kind said of one request, as RFC 9457 has it.
type Problem struct {
	Type      string `json:"type" doc:"urn:yiyuan:error:<code>"`
	Title     string `json:"title" doc:"中文标题 / title in Chinese"`
	TitleEN   string `json:"title_en" doc:"英文标题 / title in English"`
	Status    int    `json:"status"`
	Detail    string `json:"detail" doc:"中文说明 / what to do, in Chinese"`
	DetailEN  string `json:"detail_en" doc:"英文说明 / what to do, in English"`
	Code      string `json:"code" example:"YIYUAN-4031"`
	RequestID string `json:"request_id"`
	Errors    []Part `json:"errors,omitempty"`

	retry time.Duration
}

// Of says the kind of one request.
func (k *Kind) Of(requestID string, parts ...Part) *Problem {
	p := &Problem{
		Type: urn + k.Code, Title: k.Title, TitleEN: k.TitleEN, Status: k.Status, Detail: k.Detail, DetailEN: k.DetailEN, Code: k.Code,
		RequestID: requestID, Errors: parts, retry: k.Retry,
	}
	if p.retry == 0 && (k.Status == http.StatusTooManyRequests || k.Status == http.StatusServiceUnavailable) {
		p.retry = time.Second
	}
	return p
}

// Type is the member type of the kind's problems.
func (k *Kind) Type() string { return urn + k.Code }

// Says replaces the detail by one that knows more, such as the limit that was
// passed. Both tongues say the same.
func (p *Problem) Says(detail, detailEN string) *Problem {
	p.Detail, p.DetailEN = detail, detailEN
	return p
}

// After sets how long the caller should wait, a second at least.
func (p *Problem) After(wait time.Duration) *Problem {
	p.retry = max(wait, time.Second)
	return p
}

// RetryAfter is the value of the header Retry-After, "" if there is none. A part
// of a second counts as a whole one.
func (p *Problem) RetryAfter() string {
	if p.retry <= 0 {
		return ""
	}
	return strconv.Itoa(int((p.retry + time.Second - 1) / time.Second))
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + " " + p.TitleEN }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType returns the media type, whatever was asked for.
func (p *Problem) ContentType(string) string { return MediaType }

// Headers sets what goes beside the body.
func (p *Problem) Headers(set func(name, value string)) {
	if wait := p.RetryAfter(); wait != "" {
		set("Retry-After", wait)
	}
	if p.Status == http.StatusUnauthorized {
		set("WWW-Authenticate", `Bearer realm="yiyuan"`)
	}
}

// Write sends the problem.
func (p *Problem) Write(w http.ResponseWriter) { p.WriteAs(w, p) }

// WriteAs sends body, which is the problem with members of its own beside.
func (p *Problem) WriteAs(w http.ResponseWriter, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, p.Code, p.Status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", MediaType)
	p.Headers(h.Set)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(p.Status)
	_, _ = w.Write(text) // the client has gone: nothing to be done
}

// Halves takes a message "中文 / English", as rules and elements word them for
// command lines and logs, apart. One that is in one tongue alone is both.
func Halves(text string) (zh, en string) {
	at := strings.Index(text, "/ ")
	for at > 0 && text[at-1] != ' ' && text[at-1] < utf8.RuneSelf { // 3/ 4; after full-width punctuation there is no space
		next := strings.Index(text[at+1:], "/ ")
		if next < 0 {
			return text, text
		}
		at += 1 + next
	}
	if at <= 0 || !han(text[:at]) || strings.TrimSpace(text[at+2:]) == "" {
		return text, text
	}
	return strings.TrimSuffix(text[:at], " "), text[at+2:]
}

// At says what is wrong with the part at a location.
func At(location, text string) Part {
	zh, en := Halves(text)
	return Part{location, zh, en}
}

func han(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r >= 0x3400 && r <= 0x9fff })
}

// Kinds returns the table.
func Kinds() []*Kind { return table }

var table []*Kind

func add(area Area, status int, code, title, titleEN, detail, detailEN string) *Kind {
	k := &Kind{Code: code, Status: status, Title: title, TitleEN: titleEN, Detail: detail, DetailEN: detailEN, Area: area}
	if area != Registry {
		k.Code = "YIYUAN-" + code
	}
	table = append(table, k)
	return k
}
