package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/gateway/redis"
)

// registry asks the schema registry for its subjects.
func (d *doctor) registry(ctx context.Context) []Finding {
	url, ours := d.cfg.Registry.URL, false
	if url == "" {
		if d.cfg.Registry.Listen == "" {
			return nil // kept in the topic _schemas, and not served
		}
		url, ours = "http://"+d.cfg.Registry.Listen, true
	}
	asks := http.DefaultClient
	if ours {
		pinned, err := d.cfg.Listeners.Files("registry").Pinned()
		if err != nil {
			return []Finding{problemFound("registry", "证书用不了 / the certificate cannot be used: "+err.Error(), "改 listeners.tls / mend listeners.tls")}
		}
		if pinned != nil {
			asks, url = pinned, "https://"+d.cfg.Registry.Listen
			defer asks.CloseIdleConnections()
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := get(ctx, asks, strings.TrimSuffix(url, "/")+"/subjects")
	switch {
	case err == nil:
		return []Finding{fine("registry", url)}
	case ours:
		return []Finding{warning("registry", "自带的注册中心没有回答 / our own registry does not answer: "+err.Error(), "它随 yiyuan run 启动（registry.listen） / it comes with yiyuan run")}
	}
	return []Finding{problemFound("registry", "注册中心没有回答 / the registry does not answer: "+err.Error(), "检查 registry.url 和该服务 / check registry.url and the service")}
}

func get(ctx context.Context, asks *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return terminal.WithoutURL(err)
	}
	res, err := asks.Do(req)
	if err != nil {
		return terminal.WithoutURL(err)
	}
	defer res.Body.Close() //nolint:errcheck // only its status counts
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d: %w", res.StatusCode, errNoAnswer)
	}
	return nil
}

// cache checks the Redis of the configuration, if there is one.
func (d *doctor) cache(ctx context.Context) []Finding {
	if d.cfg.Gateway.Redis == "" {
		return []Finding{fine("redis", "用进程内缓存 / the embedded cache is used")}
	}
	cfg := redis.Config{Prefix: settings.CachePrefix(d.cfg.Bus.Prefix)}
	if err := d.cfg.Gateway.Cache(&cfg); err != nil {
		return []Finding{problemFound("redis", err.Error(), "改 gateway.redis / mend gateway.redis")}
	}
	var names []string
	views := map[string]string{} // by what the cache calls them
	for _, v := range d.cat.Views() {
		name := d.lineage.StoredAs(v.ID)
		names, views[name] = append(names, name), v.ID
	}
	h, err := redis.Examine(ctx, cfg, names)
	if errors.Is(err, redis.ErrNoMaster) {
		return []Finding{problemFound("redis", "哨兵不认识这个主库名 / the sentinels know no such master: "+terminal.FirstLine(err), "核对 gateway.redis 中的主库名与哨兵的 sentinel monitor / compare the name in gateway.redis with the sentinels’ sentinel monitor")}
	}
	if err != nil {
		return []Finding{problemFound("redis", "Redis 没有回答 / does not answer: "+terminal.FirstLine(err), "检查 gateway.redis、网络和口令；数据可由 Kafka 重建 / check gateway.redis, network and password; its data can be rebuilt from Kafka")}
	}
	for i, name := range h.Missing {
		h.Missing[i] = views[name]
	}
	withheld := map[string]int64{}
	for name, n := range h.Withheld {
		withheld[views[name]] = n
	}
	return append(append(checkRedis(h), checkOwner(&d.cfg.Gateway, h.Bus, d.bus, cfg.Prefix+":*")...), checkWithheld(withheld)...)
}

func checkRedis(h redis.Health) []Finding {
	found := []Finding{fine("redis", "Redis "+h.Version)}
	switch {
	case h.Evicts():
		found = append(found, problemFound("redis.eviction", fmt.Sprintf("maxmemory-policy = %s：内存不足时会丢记录，“查无此人”就不可信 / it may drop records when memory is short, so that “not there” would prove nothing", h.Policy),
			"redis-cli config set maxmemory-policy noeviction，并写进 redis.conf / and put it into redis.conf"))
	case h.Policy == "":
		found = append(found, warning("redis.eviction", "服务器不告知淘汰策略 / the server does not tell its eviction policy", "确认为 noeviction / make sure it is noeviction"))
	default:
		found = append(found, fine("redis.eviction", h.Policy))
	}
	if h.Limit > 0 && h.Used*10 > h.Limit*9 {
		found = append(found, problemFound("redis.memory", fmt.Sprintf("已用 %d MiB，上限 %d MiB / used of limit", h.Used>>20, h.Limit>>20), "调大 maxmemory，满了就写不进去 / raise maxmemory, when it is full nothing can be written"))
	} else {
		found = append(found, fine("redis.memory", fmt.Sprintf("已用 / used %d MiB", h.Used>>20)))
	}
	found = append(found, checkClock("redis.clock", h.Ahead))
	switch {
	case h.Generation == "":
		found = append(found, warning("redis.views", "缓存是空的，查询会答 503 / the cache is empty, lookups are answered 503", "启动 / start: yiyuan run --role gateway"))
	case len(h.Missing) > 0:
		found = append(found, warning("redis.views", fmt.Sprintf("尚未装载完 (%d) / not complete yet: %s", len(h.Missing), terminal.Some(h.Missing)), "装载中则等待；网关没有运行则启动它 / wait while it loads; start the gateway if it does not run"))
	default:
		found = append(found, fine("redis.views", "全部视图已装载 / every view is complete"))
	}
	if f := h.Former; f.Spaces > 0 {
		found = append(found, warning("redis.former", fmt.Sprintf("Redis 仍存旧目录的视图 %d 个（其中 %d 个有网关在用），共 %d 条，%s 查看 / Redis still holds %d views as they were under former catalogues, %d of them in use by a gateway, %d records, as of %s",
			f.Spaces, f.Used, f.Records, f.At.Format(time.DateTime), f.Spaces, f.Used, f.Records, f.At.Format(time.DateTime)),
			"现行视图装载完后，网关在几分钟内自行清除；仍有网关在用的，重启那些网关 / a gateway removes them by itself within minutes once the present views are complete; restart the gateways that still use some"))
	}
	return found
}

// checkOwner tells where what Redis holds under our prefix is another bus's.
func checkOwner(g *settings.Gateway, theirs, ours, pattern string) []Finding {
	if theirs == "" || ours == "" || theirs == ours {
		return nil
	}
	zh, en := g.OtherBus(pattern)
	return []Finding{problemFound("redis.bus", fmt.Sprintf("Redis 中 %[1]s 这些键是另一条总线的，网关不启动 / the keys %[1]s in Redis are another bus's, and the gateway does not start", pattern), zh+" / "+en)}
}

// checkClock judges how far another machine's clock is from ours. Order never
// rests on clocks, but as_of, expiry of grants and deadlines do.
func checkClock(check string, ahead time.Duration) Finding {
	text := fmt.Sprintf("时钟相差 %v / clocks differ by %v", ahead.Round(time.Millisecond), ahead.Round(time.Millisecond))
	switch d := ahead.Abs(); {
	case d > time.Minute:
		return problemFound(check, text, "用 NTP 对时：新鲜度和授权期限依赖时钟 / synchronise by NTP: freshness and expiry rest on clocks")
	case d > 2*time.Second:
		return warning(check, text, "用 NTP 对时 / synchronise by NTP")
	}
	return fine(check, text)
}

// systems looks at the systems of the sources, as each kind does.
func (d *doctor) systems(ctx context.Context) []Finding {
	var found []Finding
	for _, s := range d.sources {
		kind, err := wiring.EveryKind().Find(s.Kind)
		if err != nil || kind.Examine == nil {
			continue
		}
		check := "source." + s.Name
		s.Bus = d.bus
		seen, err := kind.Examine(ctx, s, d.said[s.Name].status.Position != "")
		if err != nil {
			found = append(found, problemFound(check, "部门的系统连不上 / its system cannot be reached: "+terminal.FirstLine(err), "检查数据源的选项、网络和口令 / check the options of the source, network and password"))
			continue
		}
		for _, f := range seen.Found {
			found = append(found, Finding{check, string(f.Grade), f.What, f.Do})
		}
		if seen.Clock {
			found = append(found, checkClock(check+".clock", seen.Ahead))
		}
	}
	return found
}
