package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"
)

// bindTopology binds the journey as it is drawn.
func bindTopology(s *API, api huma.API) {
	page(s, api, supervised("/v1/topology", "topology", "处理步骤 / the steps"),
		func(context.Context, *nothing) (Topology, error) { return s.Topology, nil })
}

// whole is a drawing whose lists are there, if empty.
func whole(t Topology) Topology {
	steps := make([]Step, len(t.Steps))
	for i, s := range t.Steps {
		steps[i] = Step{Name: s.Name, From: append([]string{}, s.From...), To: append([]string{}, s.To...)}
	}
	t.Steps = steps
	return t
}
