package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// bindTopology binds the journey as it is drawn.
func bindTopology(s *API, api huma.API) {
	page(s, api, operation(http.MethodGet, "/v1/topology", "topology", supervision, "处理步骤 / the steps"),
		func(context.Context, *nothing) (Topology, error) { return s.Topology, nil })
}
