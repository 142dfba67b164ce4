package reference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/redis"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// metricsPage is every metric that the parts of a process register.
func metricsPage(ctx context.Context, cat *schemas.Catalogue) (string, error) {
	metrics, err := Metrics(ctx, cat)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(`# 指标参考 / Metrics

每个进程在管理端口（` + "`admin.listen`" + `）的 ` + "`/metrics`" + ` 以 Prometheus 格式给出，另有 Go 运行时的 ` + "`go_*`、`process_*`" + `。标签只取自目录和配置，从不取自数据。
Each process serves them at ` + "`/metrics`" + ` of its admin listener, beside those of the Go runtime. Labels come from the catalogue or the
configuration, never from data.

`)
	wing := ""
	var rows [][]string
	head := []string{"名称 / name", "类型 / type", "标签 / labels", "含义 / meaning"}
	for _, m := range metrics {
		if w := strings.SplitN(m.Name, "_", 3)[1]; w != wing {
			table(&b, head, rows)
			rows, wing = nil, w
			fmt.Fprintf(&b, "## %s\n\n", wing)
		}
		rows = append(rows, []string{code(m.Name), m.kind, strings.Join(m.labels, " "), m.Help})
	}
	table(&b, head, rows)
	return b.String(), nil
}

// Metrics opens every part once, on a broker and a cache in this process, to
// learn what it registers.
func Metrics(ctx context.Context, cat *schemas.Catalogue) (metrics []Metric, err error) {
	var noted notebook
	log := slog.New(slog.DiscardHandler)
	broker, err := embedded.Start(ctx, embedded.Options{Listen: "127.0.0.1:0", Logger: log})
	if err != nil {
		return nil, err
	}
	defer broker.Close()
	b, err := bus.Open(ctx, bus.Config{Brokers: broker.Addrs()}, log, &noted)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	specs := []contract.Spec{{Topic: contract.Sources, Partitions: 1, Compact: true}, {Topic: contract.Audit, Retention: contract.Forever}}
	if err := b.Ensure(ctx, specs...); err != nil {
		return nil, err
	}
	c := codec.New(codec.NewMemory())
	noted.MustRegister(crash.Collector())
	noted.MustRegister(process.NewSettings())
	noted.MustRegister(process.NewCatalogues())
	noted.MustRegister(process.NewKafkaUp(func() bool { return true }))
	processors.NewMetrics(&noted)
	listener.NewMetrics(&noted)
	ended := func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) {
		return ended{}, nil
	}
	if err := connectors.Run(ctx, b, c, connectors.Config{Name: "docs", Kind: "docs", Logger: log, Metrics: &noted}, ended); err != nil {
		return nil, err
	}
	mini, err := miniredis.Run()
	if err != nil {
		return nil, fmt.Errorf("start the embedded cache: %w", err)
	}
	defer mini.Close()
	store, err := redis.Open(ctx, redis.Config{Address: mini.Addr()}, log, &noted)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	who, err := access.New(cat, nil)
	if err != nil {
		return nil, err
	}
	keys, err := process.EphemeralKeys("intl")
	if err != nil {
		return nil, err
	}
	if _, err := gateway.New(ctx, gateway.Config{}, gateway.Parts{Catalogue: cat, Bus: b, Codec: c, Keys: keys, Cache: store, Access: who, Logger: log, Metrics: &noted}); err != nil {
		return nil, err
	}
	slices.SortFunc(noted.metrics, func(a, b Metric) int { return strings.Compare(a.Name, b.Name) })
	return noted.metrics, nil
}

// ended is a source with nothing in it.
type ended struct{}

func (ended) Read(context.Context) (connectors.Batch, error) { return connectors.Batch{}, io.EOF }
func (ended) Close() error                                   { return nil }

// Metric is a metric as it was registered.
type Metric struct {
	Name, Help, kind string
	labels           []string
}

// notebook is a Registerer that writes down what it is given.
type notebook struct{ metrics []Metric }

// description takes a Desc apart: it has no getters.
var description = regexp.MustCompile(`^Desc\{fqName: "([^"]*)", help: "(.*?)"(?:, unit: "[^"]*")?, constLabels: \{.*\}, variableLabels: \{(.*)\}\}$`)

// Register implements prometheus.Registerer.
func (n *notebook) Register(c prometheus.Collector) error {
	descs := make(chan *prometheus.Desc, 16)
	go func() { c.Describe(descs); close(descs) }()
	for d := range descs {
		m := description.FindStringSubmatch(d.String())
		if m == nil {
			return fmt.Errorf("describe metric: cannot read %s", d)
		}
		n.metrics = append(n.metrics, Metric{m[1], m[2], kindOf(c), strings.FieldsFunc(m[3], func(r rune) bool { return r == ',' })})
	}
	return nil
}

// MustRegister implements prometheus.Registerer.
func (n *notebook) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		if err := n.Register(c); err != nil {
			panic(err) // as a Registerer does
		}
	}
}

// Unregister implements prometheus.Registerer.
func (n *notebook) Unregister(prometheus.Collector) bool { return false }

func kindOf(c prometheus.Collector) string {
	switch c.(type) {
	case *prometheus.GaugeVec, prometheus.Gauge: // a Gauge can all that a Counter can
		return "gauge"
	case *prometheus.CounterVec, prometheus.Counter:
		return "counter"
	case *prometheus.HistogramVec, prometheus.Histogram:
		return "histogram"
	}
	return "gauge"
}
