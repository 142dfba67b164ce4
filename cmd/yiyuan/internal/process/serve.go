package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// serve answers on an address until ctx ends.
func (a *Process) serve(ctx context.Context, address string, cfg listener.Config, handler http.Handler) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return "", taken(cfg.Name, address, err)
	}
	if err != nil {
		return "", fmt.Errorf("%s 的端口打不开 / listen for %s: %w", cfg.Name, cfg.Name, err)
	}
	cfg.Logger = a.Log
	server := listener.New(cfg, handler)
	a.start(ctx, cfg.Name, func(ctx context.Context) error { return server.Serve(ctx, l) })
	return a.scheme(cfg.Name) + l.Addr().String(), nil
}

// taken says what to do about a port that somebody has: most often another role of ours on
// the same machine.
func taken(name, address string, err error) error {
	env := "YIYUAN_" + strings.ToUpper(name) + "_LISTEN"
	return fmt.Errorf("%[1]s.listen 的端口 %[2]s 已被占用：一台机器上运行几个角色时各要自己的端口，写在配置里或用环境变量 %[3]s（registry 和 admin 写空则不开）"+
		" / the port %[2]s of %[1]s.listen is taken: several roles on one machine need one each, in the configuration or by %[3]s (registry and admin open none if it is empty): %[4]w", name, address, env, err)
}

// countStrangers returns where a listener's refusals of strangers are counted: the
// log has one line of them each minute and neighbourhood, however many there are,
// or anybody could fill the disk with it. Also hears of each, too; it may be nil.
func (a *Process) countStrangers(ctx context.Context, name string, also func(context.Context, listener.Refusals)) *listener.Strangers {
	strangers := listener.NewStrangers()
	a.start(ctx, name+" strangers", func(ctx context.Context) error {
		strangers.Tell(ctx, time.Minute, func(ctx context.Context, r listener.Refusals) {
			a.Log.Info("strangers refused", "listener", name, "from", r.Neighbourhood, "count", r.Count, "reasons", r.Reasons)
			if also != nil {
				also(ctx, r)
			}
		})
		return nil
	})
	return strangers
}

// bearer returns the bearer key of a request, "" if it has none.
func bearer(r *http.Request) string {
	const scheme = "bearer "
	h := r.Header.Get("Authorization")
	if len(h) <= len(scheme) || !strings.EqualFold(h[:len(scheme)], scheme) {
		return ""
	}
	return strings.TrimSpace(h[len(scheme):])
}
