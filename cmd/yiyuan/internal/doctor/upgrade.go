package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// checkUpgrade tells what the next start does, or what the last has still to do.
func checkUpgrade(ctx context.Context, b *bus.Bus, landed bool) []Finding {
	const check = "kafka.upgrade"
	mark, known, err := process.Mark(ctx, b)
	switch {
	case err != nil:
		return []Finding{unanswered(check, err)}
	case !known && landed:
		return []Finding{warning(check, "总线由较早版本建立；下次启动将升级：先解除 claims.* 与 quarantine 的保留期限，再改用代理时间；之后不能退回旧版本 / "+
			"this bus was made by an earlier build; the next start upgrades it: retention of claims.* and quarantine is lifted, then the broker's time used; there is no way back",
			"先停止旧版本的全部进程并备份，再启动 / stop every process of the earlier build and make a backup, then start: yiyuan run")}
	case !known:
		return nil
	case mark.Format > contract.Format:
		return []Finding{problemFound(check, fmt.Sprintf("总线已升级到格式 %d / the bus was upgraded to format %d", mark.Format, mark.Format), "运行更新的版本 / run the newer build")}
	}
	var found []Finding
	for _, t := range slices.Sorted(maps.Keys(mark.Lifted)) {
		until := time.UnixMilli(mark.Lifted[t]).UTC().Format(time.DateOnly)
		found = append(found, fine(check, fmt.Sprintf("主题 %s 的保留期限因升级而解除，%s 后自动恢复 / the retention of %s is lifted for the upgrade and set again by itself after %s", t, until, t, until)))
	}
	return found
}
