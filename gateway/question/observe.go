package question

import (
	"context"
	"net/http"
)

// observe counts an answered or unanswered question. What was reserved for one
// that is refused or cannot be answered goes back.
func (a *Ask) observe(ctx context.Context, p *Problem) {
	if p != nil && (p.Status >= http.StatusInternalServerError || p.Status == http.StatusTooManyRequests) {
		a.release(ctx)
	}
	outcome := "hit"
	if p != nil {
		switch p.Status {
		case http.StatusNotFound:
			outcome = "miss"
		case http.StatusServiceUnavailable, http.StatusInternalServerError:
			outcome = "unavailable"
		case http.StatusUnprocessableEntity:
			outcome = "invalid"
		default:
			outcome = "denied"
		}
	}
	took := a.d.Clock().Sub(a.begin)
	name := "unknown"
	if a.view != nil {
		name = a.view.ID
	}
	a.d.metrics.lookup.WithLabelValues(name, outcome).Observe(took.Seconds())
	a.d.Rates.Lookups.Add(1)
	if a.view != nil && a.view.Dataset != nil && outcome != "denied" && outcome != "invalid" {
		a.d.Health.Observe(a.view.Dataset.ID, outcome != "unavailable", took, a.begin)
	}
}
