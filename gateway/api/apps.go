package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// bindApps binds the applications of a demonstration.
func bindApps(s *API, api huma.API) {
	if s.DemoApps != nil {
		huma.Register(api, operation(http.MethodGet, "/v1/console/apps", "apps", "应用 Application", "演示应用 / the demonstration's applications"),
			func(context.Context, *nothing) (*of[demoApps], error) {
				return &of[demoApps]{demoApps{s.DemoApps}}, nil
			})
	}
}

type demoApps struct {
	Apps []DemoApp `json:"apps"`
}
