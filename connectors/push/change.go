package push

import "github.com/yiyuan-bus/yiyuan/schemas"

// change is one checked row of a request.
type change struct {
	op     schemas.Op
	key    string
	record schemas.Record
}
