package codec

import "github.com/yiyuan-bus/yiyuan/schemas"

// unscaled decodes the number of a decimal: two's complement, big-endian. Bytes
// in front that only repeat the sign are allowed: some writers pad.
func unscaled(raw string, limit int64) (int64, fault) {
	for len(raw) > 8 && (raw[0] == 0 && raw[1] < 0x80 || raw[0] == 0xFF && raw[1] >= 0x80) {
		raw = raw[1:]
	}
	if len(raw) == 0 || len(raw) > 8 {
		return 0, faultDecimal
	}
	n := int64(int8(raw[0]))
	for i := 1; i < len(raw); i++ {
		n = n<<8 | int64(raw[i])
	}
	if n >= limit || n <= -limit {
		return 0, faultDecimal
	}
	return n, faultNone
}

// limitOf returns ten to the power of a decimal's precision.
func limitOf(precision int) int64 {
	limit := int64(1)
	for range precision {
		limit *= 10
	}
	return limit
}

// The first and last day, and millisecond, of the years 1 to 9999. Others are
// no dates of people: they overflow text forms and other languages' types.
const (
	firstDay, lastDay     = -719_162, 2_932_896
	firstMilli, lastMilli = -62_135_596_800_000, 253_402_300_799_999
)

func inRange(t schemas.Type, n int64) bool {
	switch t {
	case schemas.Date:
		return n >= firstDay && n <= lastDay
	case schemas.Timestamp:
		return n >= firstMilli && n <= lastMilli
	default:
		return true
	}
}
