package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/gateway/flow"
)

// bindQuarantine binds what was put aside.
func bindQuarantine(s *API, api huma.API) {
	page(s, api, supervised("/v1/quarantine", "quarantine", "问题数据 / quarantine"),
		func(_ context.Context, in *struct {
			Limit int `query:"limit" minimum:"1" maximum:"500" default:"100"`
		},
		) (flow.Rejections, error) {
			return s.Quarantine.Page(in.Limit), nil
		})
}
