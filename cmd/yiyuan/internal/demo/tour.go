package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// tour prints what a visitor can do next, each line ready to paste.
func (c *city) tour(ctx context.Context, took time.Duration, samples map[string]string, out io.Writer) error {
	kafka := strings.Join(c.app.Brokers, ",")
	b := &strings.Builder{}
	line := func(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }
	line("")
	line("一源 Yiyuan %s — 示例城市云岭市已就绪（%.1f 秒） / the sample city is ready", c.options.Build, took.Seconds())
	line("全部数据均为虚构 / all data is made up")
	line("")
	line("  控制台 console     %s/", c.gateway)
	line("  网关 gateway       %s   (接口说明 OpenAPI: %s/openapi.json)", c.gateway, c.gateway)
	line("  Kafka              %s", kafka)
	line("  模式注册 registry  %s", c.registry)
	line("  推送 push          %s", c.push)
	line("  管理 admin         %s", c.admin)
	line("  真值 truth file    %s", c.truth)
	if wait, ok := c.app.Sync(); ok {
		line("  磁盘 disk          应答前先落盘，平均 %.1f 毫秒 / every answer waits for the disk, %.1f ms on average", float64(wait.Microseconds())/1000, float64(wait.Microseconds())/1000)
	}
	line("")
	relief := c.application("MZ-DBHD")
	line("1 查一条脱敏的可信记录（民政局，低保核对） / look up a masked golden record:")
	line("  curl -s -H 'Authorization: Bearer %s' -H 'X-Purpose: DBHD' -H 'Content-Type: application/json' %s/v1/lookup/person.partial -d '{\"key\":\"%s\"}'", relief.Key, c.gateway, samples["person.partial"])
	line("")
	bureau := c.bureau()
	line("2 它为什么是这样：每个数据项的来源、理由和落选者（数据局） / why each cell won:")
	line("  curl -s -H 'Authorization: Bearer %s' -H 'X-Purpose: SUPERVISE' -H 'Content-Type: application/json' %s/v1/explain/person -d '{\"key\":\"%s\"}'", bureau.Key, c.gateway, samples["person.explain"])
	line("")
	if err := c.tourFinding(ctx, bureau, line); err != nil {
		return err
	}
	line("4 停掉一个部门，看 70%% 指标在一分钟内跌破红线 / stop one department and watch the 70%% indicator fall:")
	line("  curl -s -X POST -H 'X-Yiyuan-Operator: me' %s/sources/ga-live/stop     # 恢复 / again: …/ga-live/start", c.admin)
	line("  curl -s %s/v1/indicators", c.gateway)
	line("")
	line("5 别的程序直接订阅 / subscribe with any Kafka client:")
	line("  kcat -b %s -t shared.person.partial -C -e -q -c 1 -f '%%k %%s\\n'", kafka)
	line("  支持 Avro 的 kcat 再加 / where kcat is built with Avro, add: -s value=avro -r %s", c.registry)
	line("")
	line("Ctrl-C 结束 / ends it.")
	_, err := io.WriteString(out, b.String())
	return err
}

// tourFinding shows an open finding that nobody else will correct, and the push
// that corrects it.
func (c *city) tourFinding(ctx context.Context, bureau *demoApp, line func(string, ...any)) error {
	fix, err := c.findFix(ctx)
	if err != nil {
		return err
	}
	if fix == nil {
		return nil
	}
	line("3 一条待处理的核验结果：%s(%s)/ an open finding:", fix.title, fix.rule)
	line("  curl -s -H 'Authorization: Bearer %s' -H 'X-Purpose: SUPERVISE' %s/v1/findings/%s", bureau.Key, c.gateway, fix.id)
	line("  医保局更正后，它自己关闭 / the department corrects the row, and it closes by itself:")
	line("  curl -s -X POST -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' %s/v1/push/YB01 -d '%s'", c.pushKeys["YB"], c.push, fix.row)
	line("")
	return nil
}

// fix is an open finding and the row that closes it.
type fix struct{ id, rule, title, row string }

// findFix takes a planted contradiction of XV-18 (both insurances active) that
// the correction stream leaves alone, and makes the corrected row.
func (c *city) findFix(ctx context.Context) (*fix, error) {
	planted, err := c.planted("XV-18")
	if err != nil || planted == nil {
		return nil, err
	}
	var page struct {
		Findings []struct {
			ID      string `json:"id"`
			Title   string `json:"title"`
			Rule    string `json:"rule"`
			Subject string `json:"subject"`
		} `json:"findings"`
	}
	if _, err := c.get(ctx, "/v1/findings?state=open&rule=XV-18&limit=200", &page); err != nil {
		return nil, err
	}
	subject := c.app.Keys.Token(contract.LabelFinding, planted.Key)
	for _, f := range page.Findings {
		if f.Subject != subject {
			continue
		}
		row, err := c.corrected(ctx, planted.Key)
		return &fix{f.ID, f.Rule, f.Title, row}, err
	}
	return nil, nil
}

// planted returns the first contradiction of a rule that is never corrected.
func (c *city) planted(rule string) (*world.Finding, error) {
	f, err := os.Open(c.truth)
	if err != nil {
		return nil, fmt.Errorf("read truth file: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		var l struct {
			Type string `json:"type"`
			world.Finding
		}
		if err := json.Unmarshal(scan.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("read truth file: %w", err)
		}
		if l.Type == "finding" && l.Rule == rule && !l.Corrected {
			return &l.Finding, nil
		}
	}
	return nil, scan.Err()
}

// corrected is the person's YB01 row with the residents' insurance ended, as JSON.
func (c *city) corrected(ctx context.Context, key string) (string, error) {
	dataset, err := c.app.Catalogue.Dataset("YB01")
	if err != nil {
		return "", err
	}
	reader := c.app.Codec.Reader(dataset.Layout)
	var row schemas.Record
	err = c.app.Bus.Replay(ctx, contract.Raw(dataset.ID), func(r bus.Record) error {
		if string(r.Key) != key || r.Value == nil {
			return nil
		}
		var err error
		row, err = reader.Decode(ctx, r.Value)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the row to correct: %w", err)
	}
	if row.IsZero() {
		return "", errors.New("the row to correct is not there")
	}
	fields := map[string]any{}
	for _, f := range dataset.Fields {
		v := row.Value(f.Index)
		if f.Name == "JMYBZTDM" {
			v = schemas.Text("0")
		}
		if !v.IsNull() {
			fields[f.Name] = element.Render(f.Element, v)
		}
	}
	b, err := json.Marshal(fields)
	if err != nil {
		return "", fmt.Errorf("encode the corrected row: %w", err)
	}
	return string(b), nil
}
