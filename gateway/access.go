package gateway

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/gateway/grants"
)

// granting shows whether the applications in force are those of the file.
type granting struct{ up, applications prometheus.Gauge }

func newGranting(reg prometheus.Registerer) *granting {
	g := &granting{
		up: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "yiyuan_gateway_access_up", Help: "应用与授权文件无法使用、仍按改动前的执行时为 0：应告警。没有该文件时为 1。 / 0 while the access file cannot be used and the rules before it stay in force: an alarm. 1 where there is no such file.",
		}),
		applications: prometheus.NewGauge(prometheus.GaugeOpts{Name: "yiyuan_gateway_access_applications", Help: "生效的应用数。 / Applications in force."}),
	}
	g.up.Set(1) // nothing has been refused: a file that cannot be read at the start ends the process
	reg.MustRegister(g.up, g.applications)
	return g
}

func (g *granting) report(s grants.State) {
	g.applications.Set(float64(s.Applications))
	g.up.Set(1)
	if s.Err != nil {
		g.up.Set(0)
	}
}
