package process

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
)

// ServeRegistry opens the registry's listener: strangers read, who has the key writes.
func (a *Process) ServeRegistry(ctx context.Context) (string, error) {
	cfg, may, err := a.registryListener(ctx)
	if err != nil {
		return "", err
	}
	return a.serve(ctx, a.cfg.Registry.Listen, cfg, a.schemas.Handler(may))
}

// Retire takes a version of a subject of the bus out of use, if it is in the way of what
// this build writes there and no processor of the bus runs.
func (a *Process) Retire(ctx context.Context, subject string, version int) error {
	if a.schemas == nil {
		return fmt.Errorf("registry.url：模式在别人的注册中心，请在那里删除 / the schemas are in another's registry, registry.url: delete it there: %w", registry.ErrNotFound)
	}
	groups := make([]string, len(a.Steps))
	for i, s := range a.Steps {
		groups[i] = s.Name
	}
	waits := func() {
		_, _ = fmt.Fprintln(os.Stderr, "yiyuan: 等待各处理进程的会话结束… / waiting for the sessions of processors to end…") // only said, not needed
	}
	if err := a.Bus.AwaitStopped(ctx, waits, groups...); err != nil {
		return err
	}
	written := ""
	if t, ok := contract.TopicOf(subject); ok {
		if l := layoutOf(a.Catalogue, contract.Topic(strings.TrimPrefix(string(t), a.cfg.Bus.Prefix))); l != nil {
			written = codec.Schema(l)
		}
	}
	return a.schemas.Retire(ctx, subject, version, written)
}

// layoutOf is what the bus writes into a topic by a catalogue, nil if nothing.
func layoutOf(cat *schemas.Catalogue, t contract.Topic) *schemas.Layout {
	layouts := map[contract.Topic]*schemas.Layout{
		contract.Findings: contract.FindingLayout, contract.Refused: contract.RefusedLayout,
		contract.Quarantine: contract.QuarantineLayout, contract.Audit: contract.AuditLayout,
	}
	for _, d := range cat.Datasets {
		layouts[contract.Raw(d.ID)] = d.Layout
	}
	for _, e := range cat.Entities {
		layouts[contract.Claims(e.ID)], layouts[contract.Resolved(e.ID)] = contract.ClaimLayout, e.ResolvedLayout()
	}
	for _, v := range cat.Views() {
		layouts[contract.Shared(v.ID)] = v.Layout
	}
	return layouts[t]
}

func (a *Process) registryListener(ctx context.Context) (listener.Config, registry.Access, error) {
	may := registry.Access{AllowDelete: a.cfg.Registry.AllowDelete}
	key, err := a.secret(ctx, "registry.write_key_file", a.cfg.Registry.WriteKeyFile)
	if err != nil {
		return listener.Config{}, may, err
	}
	if key != nil {
		may.MayWrite = func(r *http.Request) bool { return listener.CallOf(r.Context()).Who.Key != "" }
	}
	strangers := a.countStrangers(ctx, "registry", nil)
	cfg := listener.Config{
		Shared: a.shared, Name: "registry", SameSite: true, Chunked: true, Write: registry.WriteProblem,
		Admit: func(r *http.Request, c *listener.Call) (listener.Who, *problem.Problem) {
			given := bearer(r)
			if _, password, ok := r.BasicAuth(); ok {
				given = password
			}
			switch {
			case given == "" || key == nil:
				return listener.Who{}, nil
			case !key.is(given):
				return listener.Who{}, problem.UnknownKey.Of(c.ID)
			}
			return listener.Who{Key: "writer", Department: "registry"}, nil
		},
		Refused: func(r *http.Request, c *listener.Call, p *problem.Problem) {
			switch {
			case c.Who.Key != "":
				a.Log.Warn("registry call refused", "code", p.Code, "client", c.Client.String(), "method", r.Method, "request", c.ID)
			case p.Code == problem.UnknownKey.Code || r.Method != http.MethodGet: // that something is not there is no news
				strangers.Add(c.Client, p.Code, time.Now())
			}
		},
	}
	return cfg, may, nil
}
