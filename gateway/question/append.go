package question

import (
	"crypto/rand"
	"strconv"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// appendRecord appends what an answer says of one record, without braces.
func (a *Ask) appendRecord(b []byte, v *view.View, r schemas.Record, s store.Stored, key string, granted []string, refused []Refused) []byte {
	b = append(b, `"data":`...)
	b = answer.AppendRecord(b, r, v.Indexes(granted))
	b = append(b, `,"source_time":`...)
	b = answer.AppendTime(b, s.Time)
	b = append(b, `,"disputed":`...)
	b = answer.AppendStrings(b, v.Disputed(a.d.Findings, key, granted))
	b = append(b, `,"masked":`...)
	b = answer.AppendStrings(b, v.Masked(r, granted))
	b = append(b, ',')
	b = appendRefused(b, refused)
	b = append(b, `,"version":"`...)
	b = appendVersion(b, s.Version)
	return append(b, '"')
}

func appendVersion(b []byte, version uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[version>>shift&15])
	}
	return b
}

func (a *Ask) appendAsOf(b []byte) []byte {
	b = append(b, `"as_of":`...)
	b = answer.AppendTime(b, a.asOf)
	b = append(b, `,"stale":`...)
	return strconv.AppendBool(b, a.stale)
}

func (a *Ask) appendIDs(b []byte) []byte {
	b = append(b, `,"request_id":`...)
	b = answer.AppendString(b, a.call.ID)
	b = append(b, `,"audit_id":`...)
	b = answer.AppendString(b, a.entry.ID)
	// Without something in the answer that is not in the audit, whoever reads the
	// digest there could try every answer that is possible, yes and no.
	b = append(b, `,"nonce":`...)
	return append(appendNonce(append(b, '"')), '"')
}

// appendNonce appends what rand.Text makes, 26 characters that nobody can guess.
func appendNonce(b []byte) []byte {
	var random [26]byte
	_, _ = rand.Read(random[:]) // it does not fail
	for _, r := range random {
		b = append(b, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[r%32])
	}
	return b
}

// appendRefused appends the member refused.
func appendRefused(b []byte, list []Refused) []byte {
	b = append(b, `"refused":[`...)
	for i, r := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"dataset":`...)
		b = answer.AppendString(b, r.Dataset)
		b = append(b, `,"since":`...)
		b = answer.AppendTime(b, time.Time(r.Since))
		b = append(b, `,"message":`...)
		b = answer.AppendString(b, r.Message)
		b = append(b, `,"message_en":`...)
		b = answer.AppendString(b, r.MessageEN)
		if r.More {
			b = append(b, `,"more":true`...)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}
