package process

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors/push"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// auditPush returns what writes the push listener's refusals to the audit: one
// entry each of a department's, one a minute and neighbourhood of strangers'.
func (a *Process) auditPush(ctx context.Context) func(context.Context, push.Refusal) {
	var mu sync.Mutex
	var entries *audit.Log // opened with the first refusal: registering its layout may have to wait
	open := func(ctx context.Context) (*audit.Log, error) {
		mu.Lock()
		defer mu.Unlock()
		if entries != nil {
			return entries, nil
		}
		var err error
		entries, err = audit.Open(ctx, a.Codec, a.Bus)
		return entries, err
	}
	strangers := a.countStrangers(ctx, "push", func(ctx context.Context, r listener.Refusals) {
		log, err := open(ctx)
		if err == nil {
			err = log.AppendStrangers(ctx, "push", r)
		}
		if err != nil {
			a.Log.Error("audit entry of strangers could not be written", "from", r.Neighbourhood, "count", r.Count, "error", err)
		}
	})
	return func(ctx context.Context, r push.Refusal) {
		if len(r.Departments) == 0 {
			strangers.Add(r.Client, r.Reason, time.Now())
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		log, err := open(ctx)
		if err == nil {
			err = log.Append(ctx, &audit.Entry{
				ID: log.NextID(), Time: time.Now(), Operation: "push", Department: strings.Join(r.Departments, ","), View: r.Dataset,
				Decision: audit.Deny, Reason: r.Code, Status: r.Status, Request: r.Request, Client: r.Client.String(),
			})
		}
		if err != nil {
			a.Log.Error("audit entry of a refused push could not be written", "request", r.Request, "error", err)
		}
	}
}
