package codec

import (
	"fmt"
	"strings"
)

// fault is what is wrong with a value's bytes.
type fault uint8

const (
	faultNone fault = iota
	faultTruncated
	faultTrailing
	faultMagic
	faultID
	faultVarint
	faultLength
	faultText
	faultUnion
	faultBoolean
	faultRange
	faultDecimal
	faultCount
	faultBlock
	faultCells
	faultSize
)

var faultTexts = [...]string{
	faultNone:      "",
	faultTruncated: "内容被截断 / truncated",
	faultTrailing:  "记录之后还有多余字节 / bytes after the record",
	faultMagic:     "首字节不是 0 / first byte is not 0",
	faultID:        "模式编号为负 / negative schema id",
	faultVarint:    "整数溢出 / number does not fit its type",
	faultLength:    "长度为负 / negative length",
	faultText:      "不是 UTF-8 文本 / text is not UTF-8",
	faultUnion:     "联合类型序号越界 / union has no such branch",
	faultBoolean:   "布尔值不是 0 或 1 / boolean is not 0 or 1",
	faultRange:     "日期或时间超出 0001 至 9999 年 / date or time outside the years 1 to 9999",
	faultDecimal:   "数值超出精度 / decimal exceeds its precision",
	faultCount:     "数组过长 / more rows than allowed",
	faultBlock:     "数组块的大小不实 / block of rows is not of the size it states",
	faultCells:     "记录展开后过大 / record too large once decoded",
	faultSize:      "超过 1 MiB / more than 1 MiB",
}

// DecodeError says where and how bytes are not a record. It is ErrMalformed
// (and ErrTooLarge for too many bytes) and never holds a value.
type DecodeError struct {
	Record string // name of the layout, "" if the frame itself is wrong
	Column string // "" if no single column is at fault
	Offset int    // in the framed value
	fault  fault
}

func (e *DecodeError) Error() string {
	var b strings.Builder
	b.WriteString("decode")
	if e.Record != "" {
		fmt.Fprintf(&b, " %q", e.Record)
	}
	if e.Column != "" {
		fmt.Fprintf(&b, " column %q", e.Column)
	}
	fmt.Fprintf(&b, " at byte %d: %s", e.Offset, faultTexts[e.fault])
	return b.String()
}

// Unwrap returns ErrMalformed or ErrTooLarge.
func (e *DecodeError) Unwrap() error {
	if e.fault == faultSize {
		return ErrTooLarge
	}
	return ErrMalformed
}
