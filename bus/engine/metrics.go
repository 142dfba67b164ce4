package engine

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	commitSeconds *prometheus.HistogramVec
	commits       *prometheus.CounterVec
	records       *prometheus.CounterVec
	restored      *prometheus.CounterVec
	restoring     *prometheus.GaugeVec
	standby       *prometheus.CounterVec
	standing      *prometheus.GaugeVec
	waiting       *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer, commitSeconds *prometheus.HistogramVec) *metrics {
	m := &metrics{
		commitSeconds: commitSeconds,
		commits:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_commits_total", Help: "精确一次循环的事务数，按结果。 / Transactions of the exactly-once loop by outcome."}, []string{"group", "outcome"}),
		records:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_records_total", Help: "已提交事务中的记录数。 / Records of committed transactions."}, []string{"group", "direction"}),
		restored:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_restored_records_total", Help: "接手分区时应用的变更日志记录数。 / Changelog records applied while taking over partitions."}, []string{"group"}),
		restoring:     prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "yiyuan_bus_restore_remaining_records", Help: "分区开始处理之前还要应用的变更日志记录数。 / Changelog records still to be applied before partitions can be worked on."}, []string{"group"}),
		standby:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yiyuan_bus_standby_records_total", Help: "热备其他进程所持分区时应用的变更日志记录数。 / Changelog records applied to the warm state of partitions that other processes hold."}, []string{"group"}),
		standing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "yiyuan_bus_standing_workers", Help: "因 Kafka 不收写到该主题的记录而停住的工作线程数，按步骤。它们会重试；原因和办法见日志。 / Workers of a step that stand still because Kafka refuses what they write to the topic. They try again; the log says why and what to do.",
		}, []string{"step", "topic"}),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "yiyuan_bus_waiting_workers", Help: "步骤中正在等待的工作线程数：同组还有成员读别的主题（目录或程序版本不同），等其退出。 / Workers of a step that wait for members of its group to leave that read other topics: those of another catalogue or build.",
		}, []string{"step"}),
	}
	reg.MustRegister(m.commits, m.records, m.restored, m.restoring, m.standby, m.standing, m.waiting)
	return m
}
