package problem

// What every listener answers.
var (
	Request    = add(Common, 400, "4000", "请求有误", "unreadable request", "请求无法读取，请检查格式", "the request cannot be read, check its form")
	Headers    = add(Common, 400, "4001", "请求头有误", "bad headers", "Authorization、X-Purpose 等请求头只能出现一次，且不得互相矛盾", "a header such as Authorization or X-Purpose is duplicate, or two contradict one another")
	BodyCut    = add(Common, 400, "4004", "请求体不完整", "incomplete body", "请求体比 Content-Length 短，连接中断了", "the body is shorter than its Content-Length: the connection broke off")
	NoKey      = add(Common, 401, "4010", "未提供密钥", "no key", "请用 Authorization: Bearer 提供密钥", "send a key as Authorization: Bearer")
	UnknownKey = add(Common, 401, "4011", "密钥无效", "unknown key", "密钥不存在或已撤销", "the key is unknown or revoked")
	NoPath     = add(Common, 404, "4042", "地址不存在", "no such address", "没有这个接口", "there is no such address")
	Method     = add(Common, 405, "4050", "方法不允许", "method not allowed", "该地址不支持这个方法，可用的见 Allow", "the method is not allowed here, see Allow")
	NoLength   = add(Common, 411, "4110", "需要 Content-Length", "length required", "请求体须用 Content-Length 说明长度，不接受分块传输", "bodies need a Content-Length, chunked ones are refused")
	TooLarge   = add(Common, 413, "4130", "请求过大", "too large", "请求体不得超过 1 MiB，批量不得超过 1000 条", "a body is at most 1 MiB, a batch at most 1,000 keys")
	MediaKind  = add(Common, 415, "4150", "类型不支持", "unsupported media type", "请求体须为未压缩的 application/json（UTF-8）", "bodies must be uncompressed application/json in UTF-8")
	Invalid    = add(Common, 422, "4222", "参数无效", "invalid parameters", "请求参数未通过校验，逐项见 errors", "the request does not pass validation, see errors")
	Busy       = add(Common, 429, "4291", "系统繁忙", "busy", "同时进行的请求过多，请稍后重试", "too many requests under way, try again")
	Stranger   = add(Common, 429, "4293", "无效请求过多", "too many strangers", "本地址未通过身份校验的请求过多", "too many requests without a valid key from this address")
	Internal   = add(Common, 500, "5000", "内部错误", "internal error", "请将请求编号告知管理员", "tell the operator the request id")
)

// What the gateway answers.
var (
	JSON         = add(Gateway, 400, "4002", "JSON 有误", "unacceptable JSON", "JSON 中有重复的键、嵌套过深或不是合法的 UTF-8", "duplicate keys, too deep or not valid UTF-8")
	Cursor       = add(Gateway, 400, "4003", "游标有误", "bad cursor", "cursor 不是本接口返回的", "the cursor was not made by this API")
	ExpiredKey   = add(Gateway, 401, "4012", "密钥已到期", "expired key", "请向数据局申请新的密钥", "the key has expired, ask for a new one")
	NoPurpose    = add(Gateway, 403, "4030", "未说明用途", "no purpose", "请在 X-Purpose 中填写用途代码，可用代码见 /v1/me", "name the purpose in X-Purpose, see /v1/me")
	NoGrant      = add(Gateway, 403, "4031", "没有授权", "no grant", "本应用没有该视图的授权，请申请", "the application has no grant for this view")
	Purpose      = add(Gateway, 403, "4032", "用途不在授权内", "purpose not granted", "授权不包括这个用途", "the grant does not cover this purpose")
	Field        = add(Gateway, 403, "4033", "字段不在授权内", "field not granted", "所请求的字段未获授权", "a field asked for is not granted")
	ExpiredGrant = add(Gateway, 403, "4034", "授权已到期", "expired grant", "请申请延期", "the grant has expired")
	VerifyOnly   = add(Gateway, 403, "4035", "只可核验", "verification only", "该视图只回答是否一致，请用 POST /v1/verify", "this view only answers yes or no, use POST /v1/verify")
	NotVerify    = add(Gateway, 403, "4036", "不可核验", "not for verification", "该视图不是核验视图", "this view is not for verification")
	PurposeCode  = add(Gateway, 403, "4037", "用途代码未知", "unknown purpose", "用途代码不在目录中", "the purpose code is unknown")
	Supervise    = add(Gateway, 403, "4038", "需要监督权限", "supervision only", "该页面需要 SUPERVISE 用途的应用", "this page needs an application with the purpose SUPERVISE")
	Absent       = add(Gateway, 404, "4040", "查无此记录", "no such record", "该视图中没有这个主键的记录", "the view holds no record of this key")
	View         = add(Gateway, 404, "4041", "视图不存在", "no such view", "目录中没有这个视图", "the catalogue has no such view")
	Unknown      = add(Gateway, 404, "4043", "不存在", "no such item", "目录中没有这一项", "there is no such item")
	Key          = add(Gateway, 422, "4220", "主键无效", "malformed key", "主键格式不正确，请检查位数和字符", "the key is malformed, check its length and characters")
	Value        = add(Gateway, 422, "4221", "字段值无效", "malformed value", "有字段的值格式不正确", "the value of a field is malformed")
	Few          = add(Gateway, 422, "4223", "核验字段太少", "too few fields", "核验须同时给出至少两个字段", "a verification needs at least two fields")
	Quota        = add(Gateway, 429, "4290", "超过配额", "over quota", "每分钟的调用配额已用完", "the quota of this minute is used up")
	Budget       = add(Gateway, 429, "4292", "核验失败过多", "too many failed verifications", "不一致的核验过多，已暂停并告警", "too many verifications failed, stopped and reported")
	Audit        = add(Gateway, 503, "5030", "审计不可用", "audit unavailable", "审计记录无法写入，因此不予回答", "the audit entry cannot be written, so there is no answer")
	NotLoaded    = add(Gateway, 503, "5031", "数据正在加载", "still loading", "该视图正在加载，请稍后重试；这不表示查无此人", "the view is being loaded, try again; this does not mean that there is no record")
	Cache        = add(Gateway, 503, "5032", "缓存不可用", "cache unavailable", "缓存暂时无法访问", "the cache cannot be reached")
	Mixed        = add(Gateway, 503, "5033", "回答已作废", "answer discarded", "缓存的回答与问题不符，已作废并告警", "the cache answered another question, the answer was discarded")
)

// What the push listener answers.
var (
	PushJSON        = add(Push, 400, "6000", "请求无法解析", "unacceptable body", "请求体不是可接受的 JSON：请检查语法、UTF-8 编码、重复的字段名、嵌套层数（至多 32）和数的范围", "the body is not acceptable JSON: check syntax, UTF-8, duplicate names, depth (at most 32) and the range of numbers")
	IdempotencyKey  = add(Push, 400, "6001", "幂等键无效", "bad idempotency key", "Idempotency-Key 应只有一个，长度 1 至 200 个可见 ASCII 字符", "send one Idempotency-Key of 1 to 200 visible ASCII characters")
	NotProvider     = add(Push, 403, "6030", "无权推送", "not the provider", "该密钥所属部门不是此数据集的提供方", "the department of this key does not provide this dataset")
	NoPushedDataset = add(Push, 404, "6040", "没有此数据集", "no such dataset", "没有以推送方式接入的此数据集", "no such dataset is taken by push")
	KeyReused       = add(Push, 409, "6090", "幂等键冲突", "idempotency key reused", "此 Idempotency-Key 已用于另一请求体；新内容请换新键", "this Idempotency-Key was used with another body: take a new key for new content")
	PushLarge       = add(Push, 413, "6130", "请求过大", "too large", "请求超过字节数或行数上限，请分批", "the request has too many bytes or rows: send it in parts")
	PushMedia       = add(Push, 415, "6150", "媒体类型不支持", "unsupported media type", "请用 application/json 或 application/x-ndjson，不压缩，且请求头只出现一次", "use application/json or application/x-ndjson, not compressed, each header once")
	PushRows        = add(Push, 422, "6220", "数据未通过校验", "bad rows", "整批未接收；请按 errors 修正后重发", "nothing was taken: mend what errors lists and send the whole again")
	PushEmpty       = add(Push, 422, "6221", "没有数据", "no rows", "请求中没有任何行", "the request holds no rows")
	PushBusy        = add(Push, 429, "6290", "请求过多", "too many requests", "等待提交的请求过多，请稍后重试", "too many requests wait for their commit: try again later")
	PushUnavailable = add(Push, 503, "6530", "暂不可用", "unavailable", "提交结果未知或通道正在恢复；请用同一 Idempotency-Key 重试", "the outcome is not known or the source is recovering: repeat with the same Idempotency-Key")
)

// What the operators' listener answers.
var (
	NoSource   = add(Admin, 404, "4045", "没有这个数据源", "no such source", "本进程没有这个数据源，名称见 GET /sources", "no such source in this process, see GET /sources")
	NotDown    = add(Admin, 503, "5039", "尚未停下", "not down yet", "数据源正在停止，请稍后再看", "the source is still stopping, look again")
	NotRebuilt = add(Admin, 503, "5038", "没有重建", "not rebuilt", "缓存没有重建，原因见日志", "the cache was not rebuilt, the log says why")
)
