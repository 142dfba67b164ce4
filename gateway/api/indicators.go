package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

type indicatorsPage struct {
	AsOf       *answer.Time    `json:"as_of" doc:"算出这些数字的时间；null：还没有算过 / when the numbers are of; null: not computed yet"`
	Indicators []indicatorPage `json:"indicators"`
}

type indicatorPage struct {
	ID          string     `json:"id"`
	Title       string     `json:"title"`
	English     string     `json:"english"`
	Value       float64    `json:"value"`
	Target      float64    `json:"target"`
	Met         *bool      `json:"met" doc:"null：尚无结论，观察未满一个时段或没有人查询 / null: not yet known, it was not watched for a whole window or nobody asked"`
	WindowS     *int64     `json:"window_s" doc:"判定所依据的时段，秒；null 为即时数字 / the window it is judged over; null: a number of this moment"`
	ObservedS   *int64     `json:"observed_s" doc:"其中已观察的秒数 / of it, watched so far"`
	Lookups     *uint64    `json:"lookups" doc:"其间有人查询的次数 / how often somebody asked in it"`
	Formula     string     `json:"formula"`
	FormulaEN   string     `json:"formula_en"`
	Numerator   int        `json:"numerator"`
	Denominator int        `json:"denominator"`
	Items       []itemPage `json:"items"`
}

type itemPage struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Counted bool   `json:"counted"`
	Why     string `json:"why"`
	WhyEN   string `json:"why_en"`
}

// indicatorsPage answers GET /v1/indicators.
func (s *API) indicatorsPage() indicatorsPage {
	at, list := s.Pulse.Indicators()
	out := indicatorsPage{AsOf: catalog.Moment(at), Indicators: []indicatorPage{}}
	for _, i := range list {
		line := indicatorPage{
			ID: i.ID, Title: i.Title, English: i.English, Value: i.Value, Target: i.Target, Formula: i.Formula,
			FormulaEN: i.FormulaEN, Numerator: i.Numerator, Denominator: i.Denominator, Items: []itemPage{},
		}
		if !i.Unknown {
			line.Met = &i.Met
		}
		if i.Window > 0 {
			window, observed := int64(i.Window.Seconds()), int64(i.Observed.Seconds())
			line.WindowS, line.ObservedS, line.Lookups = &window, &observed, &i.Lookups
		}
		for _, item := range i.Items {
			why, whyEN := problem.Halves(item.Why)
			line.Items = append(line.Items, itemPage{item.ID, item.Title, item.Counted, why, whyEN})
		}
		out.Indicators = append(out.Indicators, line)
	}
	return out
}

// bindIndicators binds the indicators.
func bindIndicators(s *API, api huma.API) {
	page(s, api, supervised("/v1/indicators", "indicators", "指标 / indicators"),
		func(context.Context, *nothing) (indicatorsPage, error) { return s.indicatorsPage(), nil })
}
