package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// bindCatalogue binds what there is, which is for every application: else nobody
// would know what to ask for. How it does is for those that supervise.
func bindCatalogue(s *API, api huma.API) {
	const tag = "目录 Catalogue"
	live := func(supervises bool) func(*schemas.Dataset) catalog.Live {
		if supervises {
			return s.Pulse.Live
		}
		return catalog.Untold
	}
	open(s, api, operation(http.MethodGet, "/v1/catalogue", "catalogue", tag, "数据资源目录 / the catalogue"),
		func(_ *nothing, supervises bool) (catalog.Catalogue, error) {
			return s.catalog.All(live(supervises)), nil
		})
	open(s, api, may(operation(http.MethodGet, "/v1/catalogue/datasets/{id}", "dataset", tag, "数据集 / one dataset"), ofForm, ofKey, []*problem.Kind{problem.Unknown}),
		func(in *byID, supervises bool) (catalog.DatasetDetail, error) {
			return s.catalog.Dataset(in.ID, live(supervises))
		})
	open(s, api, may(operation(http.MethodGet, "/v1/catalogue/entities/{id}", "entity", tag, "主体及其数源 / one entity and its sources"), ofForm, ofKey, []*problem.Kind{problem.Unknown}),
		func(in *byID, _ bool) (catalog.EntityDetail, error) { return s.catalog.Entity(in.ID, s.Clock()) })
}
