package api

import (
	"context"
	"maps"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

type verificationsPage struct {
	Applications []verificationsLine `json:"applications"`
}

type verificationsLine struct {
	App     string  `json:"app"`
	Title   string  `json:"title" doc:"应用名称，已撤销的为空 / empty if it is no longer in force"`
	Asked   int64   `json:"asked" doc:"近十至二十分钟的核验数，各网关合计 / of the last ten to twenty minutes, over all gateways"`
	Missed  int64   `json:"missed" doc:"其中答“不一致”的 / of them answered with no"`
	Stopped int64   `json:"stopped" doc:"因不一致过多而被拒绝的 / refused because too many had been answered with no"`
	Ratio   float64 `json:"ratio" doc:"missed / asked"`
	Alarm   bool    `json:"alarm" doc:"可能在逐个试值，应有人查看 / may be trying values, somebody should look"`
}

// verifications answers GET /v1/verifications.
func (s *API) verifications() verificationsPage {
	out := verificationsPage{Applications: []verificationsLine{}}
	tallies := s.Desk.Tallies()
	for _, app := range slices.Sorted(maps.Keys(tallies)) {
		t := tallies[app]
		out.Applications = append(out.Applications, verificationsLine{app, s.Access.Title(app), t.Asked, t.Missed, t.Stopped, t.Ratio(), t.Alarm()})
	}
	return out
}

// bindVerifications binds how verifications end.
func bindVerifications(s *API, api huma.API) {
	page(s, api, supervised("/v1/verifications", "verifications", "核验的结果与告警 / how applications' verifications end, and alarms"),
		func(context.Context, *nothing) (verificationsPage, error) { return s.verifications(), nil })
}
