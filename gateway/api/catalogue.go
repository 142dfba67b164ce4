package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
)

// bindCatalogue binds what there is.
func bindCatalogue(s *API, api huma.API) {
	const tag = "目录 Catalogue"
	page(s, api, operation(http.MethodGet, "/v1/catalogue", "catalogue", tag, "数据资源目录 / the catalogue"),
		func(context.Context, *nothing) (catalog.Catalogue, error) { return s.catalog.All(s.Pulse.Live), nil })
	page(s, api, operation(http.MethodGet, "/v1/catalogue/datasets/{id}", "dataset", tag, "数据集 / one dataset"),
		func(_ context.Context, in *byID) (catalog.DatasetDetail, error) {
			return s.catalog.Dataset(in.ID, s.Pulse.Live)
		})
	page(s, api, operation(http.MethodGet, "/v1/catalogue/entities/{id}", "entity", tag, "主体及其数源 / one entity and its sources"),
		func(_ context.Context, in *byID) (catalog.EntityDetail, error) {
			return s.catalog.Entity(in.ID, s.Clock())
		})
}
