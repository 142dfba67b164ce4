package push

import (
	"context"
	"fmt"
	"net"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Kind is the kind of sources that are fed by one server, which listens on the address
// given. What was pushed is not kept, so nobody but its department can say it again. A
// nil server is enough to check and describe options.
func Kind(s *Server, listen string) connectors.Kind {
	return connectors.Kind{
		Name:    "push",
		Chinese: "接收部门以 HTTP 推送的行",
		English: "takes rows that a department sends by HTTP",
		Options: func() option.Declarer { return new(options) },
		Fits:    fits,
		Open:    Open(s),
		Reread: connectors.Reread{
			Cannot: "推送来的数据本系统没有留存，不能重读；请该部门把全部行再推一次（删除的行推 delete） / what was pushed is not kept and cannot be read again: have the department push all its rows once more, and a delete for each that it has no more",
		},
		Listen: func(ctx context.Context, sources []connectors.Config) (connectors.Listening, error) {
			var lc net.ListenConfig
			l, err := lc.Listen(ctx, "tcp", listen)
			if err != nil {
				return connectors.Listening{}, fmt.Errorf("推送端口打不开 / listen for push: %w", err)
			}
			for _, c := range sources { // pushes that come before their source is open are told to wait
				for _, d := range c.Datasets {
					s.Expect(d.ID)
				}
			}
			return connectors.Listening{
				Address: l.Addr().String(),
				Serve:   func(ctx context.Context) error { return s.Serve(ctx, l) },
			}, nil
		},
	}
}

// fits implements connectors.Kind.Fits.
func fits(cfg connectors.Config) error {
	var o options
	if err := cfg.Form(&o); err != nil {
		return err
	}
	if len(cfg.Datasets) == 0 {
		return fmt.Errorf("须有数据集 / want datasets: %w", connectors.ErrConfig)
	}
	for _, id := range o.Empty {
		if _, err := cfg.Dataset(id); err != nil {
			return option.At("empty", fmt.Errorf("option %q: %w", "empty", err))
		}
	}
	return nil
}

// Open returns the connectors.Open of sources that are fed by a server.
func Open(s *Server) connectors.Open {
	return func(_ context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
		var o options
		if err := cfg.Read(&o); err != nil {
			return nil, err
		}
		if err := fits(cfg); err != nil {
			return nil, fmt.Errorf("open push source %q: %w", cfg.Name, err)
		}
		l, err := parsePosition(after)
		if err != nil {
			return nil, fmt.Errorf("open push source %q: %w", cfg.Name, err)
		}
		src := newSource(s, cfg, o, l.deliveredOf(cfg.Datasets, o.Empty))
		if err := s.register(src); err != nil {
			return nil, fmt.Errorf("open push source %q: %w", cfg.Name, err)
		}
		return src, nil
	}
}
