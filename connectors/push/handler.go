package push

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Handler answers POST /v1/push/{dataset}.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/push/{dataset}", s.push)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { refuse(w, requestID(w), notFound) })
	return mux
}

// problem is an answer that is not 200, as RFC 9457 has it.
type problem struct {
	Type      string     `json:"type"`
	Title     string     `json:"title"`
	Status    int        `json:"status"`
	Detail    string     `json:"detail"`
	Code      string     `json:"code"`
	RequestID string     `json:"request_id"`
	Errors    []RowError `json:"errors,omitempty"`

	retry int // seconds
}

var (
	badJSON      = problem{Status: 400, Code: "YIYUAN-4000", Title: "请求无法解析", Detail: "请求体不是可接受的 JSON:检查语法、UTF-8 编码、重复的字段名和嵌套层数(≤ 32) / the body is not acceptable JSON: check syntax, UTF-8, repeated names and depth (at most 32)"}
	badBody      = problem{Status: 400, Code: "YIYUAN-4001", Title: "请求体不完整", Detail: "请求体未能读完 / the body could not be read to its end"}
	badKey       = problem{Status: 400, Code: "YIYUAN-4002", Title: "幂等键无效", Detail: "Idempotency-Key 应只有一个,长度 1 至 200 个可见 ASCII 字符 / send one Idempotency-Key of 1 to 200 visible ASCII characters"}
	unauthorised = problem{Status: 401, Code: "YIYUAN-4010", Title: "未认证", Detail: "请用 Authorization: Bearer <key> 提供有效密钥 / send a valid key as Authorization: Bearer <key>"}
	forbidden    = problem{Status: 403, Code: "YIYUAN-4030", Title: "无权推送", Detail: "该密钥所属部门不是此数据集的提供方 / the department of this key does not provide this dataset"}
	notFound     = problem{Status: 404, Code: "YIYUAN-4040", Title: "没有此数据集", Detail: "没有以推送方式接入的此数据集 / no such dataset is taken by push"}
	notAllowed   = problem{Status: 405, Code: "YIYUAN-4050", Title: "方法不允许", Detail: "只接受 POST / only POST is taken"}
	conflict     = problem{Status: 409, Code: "YIYUAN-4090", Title: "幂等键冲突", Detail: "此 Idempotency-Key 已用于另一请求体;新内容请换新键 / this Idempotency-Key was used with another body: take a new key for new content"}
	tooLarge     = problem{Status: 413, Code: "YIYUAN-4130", Title: "请求过大", Detail: "请求超过字节数或行数上限,请分批 / the request has too many bytes or rows: send it in parts"}
	mediaType    = problem{Status: 415, Code: "YIYUAN-4150", Title: "媒体类型不支持", Detail: "请用 application/json 或 application/x-ndjson,不压缩 / use application/json or application/x-ndjson, not compressed"}
	badRows      = problem{Status: 422, Code: "YIYUAN-4220", Title: "数据未通过校验", Detail: "整批未接收;请按 errors 修正后重发 / nothing was taken: mend what errors lists and send the whole again"}
	noRows       = problem{Status: 422, Code: "YIYUAN-4221", Title: "没有数据", Detail: "请求中没有任何行 / the request holds no rows"}
	busy         = problem{Status: 429, Code: "YIYUAN-4290", Title: "请求过多", Detail: "等待提交的请求过多,请稍后重试 / too many requests wait for their commit: try again later", retry: 1}
	unavailable  = problem{Status: 503, Code: "YIYUAN-5030", Title: "暂不可用", Detail: "提交结果未知或通道正在恢复;请用同一 Idempotency-Key 重试 / the outcome is not known or the source is recovering: repeat with the same Idempotency-Key", retry: 2}
)

func (s *Server) push(w http.ResponseWriter, r *http.Request) {
	id := requestID(w)
	src, d, p := s.admit(w, r)
	if p != nil {
		refuse(w, id, *p)
		return
	}
	if !s.enter() {
		refuse(w, id, busy)
		return
	}
	defer s.leave()
	sub, p := s.read(w, r, src, d)
	if p != nil {
		refuse(w, id, *p)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Wait)
	defer cancel()
	a, err := src.submit(ctx, sub)
	switch {
	case err == nil:
		accept(w, src.cfg.Name, d, a)
	case errors.Is(err, errConflict):
		refuse(w, id, conflict)
	case errors.Is(err, errBusy):
		refuse(w, id, busy)
	default:
		refuse(w, id, unavailable)
	}
}

// enter takes one of the places for requests that are read and held in memory.
func (s *Server) enter() bool {
	select {
	case s.places <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *Server) leave() { <-s.places }

// admit decides who may push what.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) (*source, *schemas.Dataset, *problem) {
	departments := s.departments(r)
	if len(departments) == 0 {
		w.Header().Set("WWW-Authenticate", "Bearer")
		return nil, nil, &unauthorised
	}
	src, known := s.find(r.PathValue("dataset"))
	switch {
	case !known:
		return nil, nil, &notFound
	case src == nil:
		return nil, nil, &unavailable
	}
	d, err := src.cfg.Dataset(r.PathValue("dataset"))
	if err != nil {
		return nil, nil, &notFound
	}
	if !provides(departments, d) {
		return nil, nil, &forbidden
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, nil, &notAllowed
	}
	return src, d, nil
}

// read takes the body apart and checks every row of it.
func (s *Server) read(w http.ResponseWriter, r *http.Request, src *source, d *schemas.Dataset) (*submission, *problem) {
	ndjson := false
	if ct := r.Header.Get("Content-Type"); ct != "" {
		media, params, err := mime.ParseMediaType(ct)
		charset := params["charset"]
		if err != nil || charset != "" && charset != "utf-8" && charset != "UTF-8" {
			return nil, &mediaType
		}
		switch media {
		case "application/json":
		case "application/x-ndjson", "application/jsonl", "application/x-jsonlines":
			ndjson = true
		default:
			return nil, &mediaType
		}
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, &mediaType
	}
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) > 1 || len(keys) == 1 && !visible(keys[0]) {
		return nil, &badKey
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.cfg.MaxBytes))
	if err != nil {
		if _, over := errors.AsType[*http.MaxBytesError](err); over {
			return nil, &tooLarge
		}
		return nil, &badBody
	}
	rows, err := split(body, ndjson, s.cfg.MaxRows)
	switch {
	case errors.Is(err, errRows):
		return nil, &tooLarge
	case errors.Is(err, errEmpty):
		return nil, &noRows
	case err != nil:
		return nil, &badJSON
	}
	changes, problems := parse(d, rows)
	if len(problems) > 0 {
		p := badRows
		p.Errors = problems
		return nil, &p
	}
	sub := &submission{dataset: d, rows: changes, bytes: len(body), done: make(chan struct{})}
	copy(sub.body[:], src.cfg.Keyed("push", body))
	if len(keys) == 1 {
		sub.keyed, sub.key = true, src.scope(d, keys[0])
	}
	return sub, nil
}

func visible(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return len(key) > 0 && len(key) <= 200
}

func accept(w http.ResponseWriter, source string, d *schemas.Dataset, a answer) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if a.again {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	write(w, http.StatusOK, struct {
		Dataset  string `json:"dataset"`
		Accepted int    `json:"accepted"`
		Position string `json:"position"`
	}{d.ID, a.rows, source + "@" + a.last.String()})
}

func refuse(w http.ResponseWriter, id string, p problem) {
	p.Type, p.RequestID = "about:blank", id
	w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
	if p.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.retry))
	}
	write(w, p.Status, p)
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller is gone: there is nobody to tell
}

func requestID(w http.ResponseWriter) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	id := hex.EncodeToString(b[:])
	w.Header().Set("X-Request-Id", id)
	return id
}

var _ connectors.Confirmer = (*source)(nil)
