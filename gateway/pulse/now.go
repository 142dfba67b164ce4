package pulse

import (
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/gateway/indicator"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Live says how a dataset does now.
func (p *Pulse) Live(d *schemas.Dataset) catalog.Live {
	s := p.Fresh.Dataset(d)
	out := catalog.Live{Told: true, State: string(s.State), AsOf: catalog.Moment(s.AsOf), Sources: s.Sources}
	rows, newest, known := p.held(d)
	if known {
		out.Rows = &rows
	}
	out.LastUpdate = catalog.Moment(newest)
	return out
}

// held returns what the cache holds of a dataset: its fullest view.
func (p *Pulse) held(d *schemas.Dataset) (rows int64, newest time.Time, known bool) {
	progress := *p.progress.Load()
	for _, v := range d.Views {
		stands, ok := progress[v.ID]
		if !ok {
			continue
		}
		known = true
		rows = max(rows, stands.Live)
		if stands.Newest.After(newest) {
			newest = stands.Newest
		}
	}
	return rows, newest, known
}

// Indicators returns the numbers as of when they were last computed, a zero time
// before that.
func (p *Pulse) Indicators() (at time.Time, list []indicator.Indicator) {
	now := p.indicators.Load()
	return now.at, now.list
}

// Missing returns the views that are not complete in the cache.
func (p *Pulse) Missing() []string {
	progress := *p.progress.Load()
	var missing []string
	for _, id := range p.Views {
		if !progress[id].Ready {
			missing = append(missing, id)
		}
	}
	return missing
}
