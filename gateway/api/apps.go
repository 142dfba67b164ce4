package api

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// bindApps binds the applications of a demonstration.
func bindApps(s *API, api huma.API) {
	if s.DemoApps != nil {
		o := may(operation(http.MethodGet, "/v1/console/apps", "apps", "应用 Application", "演示应用 / the demonstration's applications"), ofForm)
		o.Security = []map[string][]string{{}}
		huma.Register(api, o,
			func(context.Context, *nothing) (*of[demoApps], error) {
				return &of[demoApps]{demoApps{s.DemoApps, s.samples()}}, nil
			})
	}
}

type demoApps struct {
	Apps    []DemoApp         `json:"apps"`
	Samples map[string]string `json:"samples" doc:"每个视图一个可查到的示例主键，就绪前为空 / for each view a key that is found, empty until the city is ready"`
}

func (s *API) samples() map[string]string {
	out := map[string]string{}
	if s.DemoSamples != nil {
		maps.Copy(out, s.DemoSamples())
	}
	return out
}

// wholeApps are applications whose lists are there, if empty; nil stays nil.
func wholeApps(apps []DemoApp) []DemoApp {
	all := slices.Clone(apps)
	for i := range all {
		all[i].Purposes, all[i].Views = append([]string{}, all[i].Purposes...), append([]string{}, all[i].Views...)
	}
	return all
}
