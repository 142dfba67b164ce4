package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// log is what renewals reads; *bus.Bus is one.
type log interface {
	freshness.Offsets
	Replay(ctx context.Context, topic contract.Topic, fn func(bus.Record) error) error
}

// renewals looks which views the steps have not published whole under the catalogue in
// force: of who is not found in them nobody is told that he is not there.
func (d *doctor) renewals(ctx context.Context, b log) Finding {
	const check = "views.renewing"
	cat := *d.cat
	cat.Lineage = d.lineage
	tracker := freshness.New(&cat, b, nil, time.Now)
	err := b.Replay(ctx, contract.Bus, func(r bus.Record) error {
		if said, ok, err := contract.ParseRenewed(r.Key, r.Value); err == nil && ok { // what cannot be read says nothing
			tracker.Renewed(said.Step, said.Partition, said.Catalogue)
		}
		return nil
	})
	var views []*schemas.View
	if err == nil {
		views, err = tracker.Unpublished(ctx)
	}
	if err != nil {
		return unanswered(check, err)
	}
	names := make([]string, len(views))
	for i, v := range views {
		names[i] = v.ID
	}
	return checkRenewals(names, d.since)
}

func checkRenewals(views []string, since time.Time) Finding {
	const check = "views.renewing"
	if len(views) == 0 {
		return fine(check, "全部视图都已按生效的目录发布 / every view is published under the catalogue in force")
	}
	at := since.Local().Format(time.DateTime)
	return warning(check, fmt.Sprintf("目录自 %[1]s 生效，%[2]d 个视图尚未按它重新发布完，查不到的人答 503 %[4]s：%[3]s / the catalogue is in force since %[1]s and %[2]d views are not published whole under it, who is not found is answered 503 %[4]s: %[3]s",
		at, len(views), terminal.Some(views), problem.NotLoaded.Code),
		"角色 processors 在后台重新发布，进度见指标 yiyuan_processors_renewing_partitions；不动则看其日志，未重启的重启 / the role processors publishes them again in the background, see the metric yiyuan_processors_renewing_partitions; if it stands still see its log, and restart what was not restarted")
}

func checkWithheld(withheld map[string]int64) []Finding {
	if len(withheld) == 0 {
		return nil
	}
	var views []string
	total := int64(0)
	for _, v := range slices.Sorted(maps.Keys(withheld)) {
		views = append(views, fmt.Sprintf("%s (%d)", v, withheld[v]))
		total += withheld[v]
	}
	return []Finding{warning("redis.withheld", fmt.Sprintf("%d 条记录是按旧目录发布的，尚未重新发布，不作答：%s / %d records were published under a former catalogue and have not come again, they are not answered: %s", total, terminal.Some(views), total, terminal.Some(views)),
		"等待重新发布（views.renewing）；已完成而仍有的，是新目录拒收的行，见问题数据 / wait until they are published again (views.renewing); what is left then are rows that the catalogue refuses, see quarantine")}
}
