package audit

import (
	"context"
	"net/http"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Stranger is the operation of entries that count what callers without a key
// were refused for.
const Stranger = "stranger"

// AppendStrangers writes one entry for all refusals of a neighbourhood in a
// minute: Client names it, Count says how many there were.
func (l *Log) AppendStrangers(ctx context.Context, from string, r listener.Refusals) error {
	return l.Append(ctx, &Entry{
		ID: l.NextID(), Time: r.Since, Operation: Stranger, View: "", Decision: Deny, Reason: strings.Join(r.Reasons, ","),
		Status: http.StatusUnauthorized, Request: from, Client: r.Neighbourhood, Count: r.Count,
	})
}
