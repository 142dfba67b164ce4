package doctor

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// kafka checks the cluster, the topics, the transactions and the groups.
func (d *doctor) kafka(ctx context.Context) []Finding {
	b, err := d.connect(ctx)
	if err != nil && d.embedded {
		return []Finding{problemFound("kafka", fmt.Sprintf("内置消息代理没有回答：它随 yiyuan run 运行 / the embedded broker, which lives in yiyuan run, does not answer at %s: %s", d.cfg.Bus.Embedded.Listen, terminal.FirstLine(err)),
			"没有运行则启动；自己结束了的，原因在日志末行（磁盘写不进去见 disk.broker）；演示用 --brokers 给出其地址 / start it if it does not run; if it ended by itself the last line of its log says why (a disk that takes nothing: see disk.broker); name a demo's address by --brokers")}
	}
	if err != nil {
		return []Finding{problemFound("kafka", fmt.Sprintf("连不上 / no broker of %q answers: %s", d.cfg.Bus.Brokers, terminal.FirstLine(err)),
			"检查 bus.brokers、网络、TLS 和口令；演示用 --brokers 给出其地址 / check bus.brokers, network, TLS and password; name a demo's address by --brokers")}
	}
	defer b.Close()
	cluster, err := b.Cluster(ctx)
	if err != nil {
		return []Finding{unanswered("kafka", err)}
	}
	found := checkCluster(cluster)
	if id, err := b.Identity(ctx, contract.Sources); err == nil {
		d.bus = hex.EncodeToString(id[:])
	}
	found = append(found, d.inForce(ctx, b)...)
	found = append(found, d.running(ctx)...)
	names := make([]contract.Topic, len(d.specs))
	for i, s := range d.specs {
		names[i] = s.Topic
	}
	have, err := b.Examine(ctx, names...)
	if err != nil {
		return append(found, unanswered("kafka.topics", err))
	}
	_, landed := have[contract.Sources]
	if len(have) == 0 { // before the first start nothing else can be asked
		return append(found, untouched(d.cfg.Bus.Prefix))
	}
	found = append(found, checkUpgrade(ctx, b, landed)...)
	found = append(found, lostTopics(ctx, b, d.specs)...)
	found = append(found, checkTopics(d.cfg.Bus, d.specs, have, len(cluster.Brokers))...)
	var there []contract.Topic
	for _, n := range names {
		if _, ok := have[n]; ok {
			there = append(there, n)
		}
	}
	found = append(found, d.transactions(ctx, b, there)...)
	found = append(found, checkGroups(ctx, b, d.steps, have, d.cfg.Has(settings.RoleProcessors))...)
	if landed {
		found = append(found, d.states(ctx, b)...)
	}
	if _, ok := have[contract.Bus]; ok && len(there) == len(names) {
		found = append(found, d.renewals(ctx, b))
	}
	if _, ok := have[contract.Refused]; ok {
		found = append(found, refusedRows(ctx, b))
	}
	if _, ok := have[contract.Quarantine]; ok {
		found = append(found, openRejections(ctx, b))
	}
	return found
}

// lostTopics tells which of the topics were deleted, or made anew, since a process started last.
func lostTopics(ctx context.Context, b *bus.Bus, specs []contract.Spec) []Finding {
	const check = "kafka.topics.lost"
	lost, _, err := process.Lost(ctx, b)
	if err != nil {
		return []Finding{unanswered(check, err)}
	}
	var names []string
	for _, t := range lost {
		if slices.ContainsFunc(specs, func(s contract.Spec) bool { return s.Topic == t }) { // no more is the topic of a dataset that was taken away
			names = append(names, string(t))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []Finding{problemFound(check, fmt.Sprintf("%[1]d 个主题被删除，或删除后又建了新的，其中的内容没有了：%[2]s / %[1]d topics were deleted, or deleted and made anew, what stood in them is gone: %[2]s", len(names), terminal.Some(names)),
		"重启全部进程：共享的内容自动重新发布；raw.* 中尚未处理的行用 yiyuan source resync 重读（推送的请部门重推）；catalogue 须先 yiyuan plan、yiyuan apply；state.* 和 sources 须从副本恢复，否则不能启动 / start all processes again: what is shared is published again; rows of raw.* that were not taken in yet come by yiyuan source resync, or by being pushed again; for catalogue yiyuan plan and yiyuan apply come first; state.* and sources have to be brought back from a copy, or nothing starts")}
}

// untouched is what is told of a bus on which nothing was ever started.
func untouched(prefix string) Finding {
	return warning("kafka.topics", fmt.Sprintf("还没有启动过：没有一个主题（前缀 %q） / nothing was started here yet: there is no topic (prefix %q)", prefix, prefix),
		"启动 yiyuan run，主题由它建好；启动过的，核对 bus.prefix / start yiyuan run, it makes them; if that was done, look at bus.prefix")
}

// checkCluster holds the brokers against what exactly-once needs: Kafka 4.0 and
// transaction.version 2, without which a late commit can tear a later transaction.
func checkCluster(c cluster.Cluster) []Finding {
	var found []Finding
	var versions []string
	old, silent := false, 0
	for _, b := range c.Brokers {
		if b.Err != nil {
			silent++
			found = append(found, problemFound("kafka.brokers", fmt.Sprintf("代理 %d（%s）没有回答 / broker %d does not answer: %v", b.ID, b.Address, b.ID, b.Err), "查看该代理的日志并重启 / look into its log and restart it"))
			continue
		}
		if !slices.Contains(versions, b.Version) {
			versions = append(versions, b.Version)
		}
		old = old || !b.Since4
	}
	if silent == 0 {
		found = append(found, fine("kafka.brokers", fmt.Sprintf("%d 个代理都在 / %d brokers answer", len(c.Brokers), len(c.Brokers))))
	}
	text := strings.Join(versions, ", ")
	switch {
	case old:
		found = append(found, problemFound("kafka.version", "版本过低 / too old: "+text, "升级到 Kafka 4.0 以上 / upgrade to Kafka 4.0 or later"))
	case len(versions) > 0:
		found = append(found, fine("kafka.version", "Kafka 4.0 以上 / or later ("+text+")"))
	}
	if c.TransactionVersion < 2 {
		return append(found, problemFound("kafka.transaction.version", fmt.Sprintf("transaction.version = %d，低于 2：迟到的提交可能撕裂后面的事务（KIP-890） / below 2: a late commit can tear a later transaction", c.TransactionVersion),
			"kafka-features.sh --bootstrap-server HOST:PORT upgrade --feature transaction.version=2"))
	}
	return append(found, fine("kafka.transaction.version", strconv.Itoa(c.TransactionVersion)))
}

// checkTopics holds topics against how they should be kept.
func checkTopics(cfg settings.Bus, specs []contract.Spec, have map[contract.Topic]cluster.TopicState, brokers int) []Finding {
	var missing, partitions, policy, leaderless, behind, unsafe, small []string
	for _, s := range specs {
		t, ok := have[s.Topic]
		if !ok {
			missing = append(missing, string(s.Topic))
			continue
		}
		want := s.Partitions
		if want == 0 {
			want = cfg.Partitions
		}
		if t.Partitions != want {
			partitions = append(partitions, fmt.Sprintf("%s (%d≠%d)", s.Topic, t.Partitions, want))
		}
		if kept := policyOf(s, t); kept != "" {
			policy = append(policy, fmt.Sprintf("%s (%s)", s.Topic, kept))
		}
		if t.TooSmall() {
			small = append(small, fmt.Sprintf("%s (max.message.bytes=%d)", s.Topic, t.TakesBytes))
		}
		if t.Leaderless > 0 {
			leaderless = append(leaderless, string(s.Topic))
		}
		if t.OutOfSync > 0 {
			behind = append(behind, string(s.Topic))
		}
		if t.MinInSync > t.Replication || brokers > 1 && (t.Replication < min(3, brokers) || t.Replication > 2 && t.MinInSync < 2 || t.MinInSync >= t.Replication) {
			unsafe = append(unsafe, fmt.Sprintf("%s (%d/%d)", s.Topic, t.Replication, t.MinInSync))
		}
	}
	var found []Finding
	list := func(check, grade, what string, topics []string, do string) {
		if len(topics) > 0 {
			found = append(found, Finding{check, grade, fmt.Sprintf("%s (%d): %s", what, len(topics), terminal.Some(topics)), do})
		}
	}
	list("kafka.topics", Problem, "缺少主题 / missing topics", missing, "启动一次 yiyuan run，它会建好（kafka.topics.lost 所列的见那里）；目录前缀（bus.prefix）对吗？ / start yiyuan run once, it makes them (of those under kafka.topics.lost see there); is bus.prefix right?")
	list("kafka.topics", Problem, "分区数不符 / wrong number of partitions", partitions, "刚改过 bus.partitions 的改回；主题被加了分区的，下次启动的报错写明怎么办 / change bus.partitions back if it was changed; if somebody altered the topic, the error of the next start says what to do")
	list("kafka.topics", Problem, "保留策略不符 / kept in another way than they must be", policy, "kafka-configs.sh --alter --add-config cleanup.policy=…；数据可能已丢失，请核对 / data may be gone, look")
	list("kafka.topics", Problem, "不收大的记录：写到它的步骤、数据源或审计会停住 / takes no large records: the step, source or audit that writes one stands still", small,
		"kafka-configs.sh --alter --entity-type topics --entity-name "+cfg.Prefix+"TOPIC --add-config max.message.bytes=1048588；随后自行继续 / it then goes on by itself")
	list("kafka.topics", Problem, "没有首领的分区 / partitions without a leader", leaderless, "启动缺席的代理 / start the brokers that are away")
	list("kafka.replication", Warning, "有副本落后 / copies are behind", behind, "等它们追上；长期如此则检查代理的磁盘和网络 / wait; if it lasts, look at the broker's disk and network")
	list("kafka.replication", Problem, "副本数/min.insync.replicas 不当 / replication or min.insync.replicas unfit", unsafe, "重要数据用 bus.replication: 3、min.insync.replicas=2 / use replication 3 with min.insync.replicas 2")
	if len(found) == 0 {
		found = append(found, fine("kafka.topics", fmt.Sprintf("%d 个主题齐全 / %d topics as they should be", len(specs), len(specs))))
	}
	if brokers == 1 {
		found = append(found, warning("kafka.replication", "只有一个代理，磁盘坏了数据就没了 / one broker: a lost disk loses data", "正式环境用三个代理 / use three brokers where data matters"))
	}
	return found
}

// policyOf says how a topic is kept if that is not how it must be.
func policyOf(s contract.Spec, t cluster.TopicState) string {
	switch {
	case s.Compact && t.Policy != "compact":
		return "cleanup.policy=" + t.Policy + "≠compact"
	case !s.Compact && t.Policy != "delete":
		return "cleanup.policy=" + t.Policy + "≠delete"
	case !s.Compact && s.Retention < 0 && t.RetentionMS != -1:
		return fmt.Sprintf("retention.ms=%d≠-1", t.RetentionMS)
	case !s.Compact && s.Retention >= 0 && t.RetentionMS >= 0 && t.RetentionMS < s.Kept().Milliseconds():
		return fmt.Sprintf("retention.ms=%d<%d", t.RetentionMS, s.Kept().Milliseconds())
	case t.Dated == "CreateTime":
		return "message.timestamp.type=" + t.Dated + "≠LogAppendTime"
	case s.CompactAfter.Milliseconds() > t.CompactLagMS:
		return fmt.Sprintf("min.compaction.lag.ms=%d<%d", t.CompactLagMS, s.CompactAfter.Milliseconds())
	}
	return ""
}

// transactions looks for what holds up readers of committed records.
func (d *doctor) transactions(ctx context.Context, b *bus.Bus, topics []contract.Topic) []Finding {
	open, err := b.Transactions(ctx)
	if err != nil {
		return []Finding{unanswered("kafka.transactions", err)}
	}
	held, err := b.HeldBack(ctx, topics...)
	if err != nil {
		return []Finding{unanswered("kafka.transactions", err)}
	}
	limit := 2 * d.cfg.Bus.TransactionTimeout
	if limit == 0 {
		limit = 2 * bus.DefaultTransactionTimeout
	}
	return checkTransactions(open, held, time.Now(), limit)
}

func checkTransactions(open []cluster.OpenTransaction, held []string, now time.Time, limit time.Duration) []Finding {
	var found []Finding
	for _, t := range open {
		if age := now.Sub(t.Started); age > limit {
			found = append(found, problemFound("kafka.transactions", fmt.Sprintf("事务 %q 已开 %v 未结束，读者停在它前面 / transaction %q has been open for %v and holds up readers of: %s",
				t.ID, age.Round(time.Second), t.ID, age.Round(time.Second), terminal.Some(t.Partitions)), "确认其程序已停，再运行 / when its program is known to be dead: yiyuan txn abort --yes "+t.ID))
		}
	}
	if len(found) == 0 {
		found = append(found, fine("kafka.transactions", fmt.Sprintf("%d 个事务进行中，%d 个分区暂候 / %d under way, %d partitions wait for them", len(open), len(held), len(open), len(held))))
	}
	return found
}

// lagLimit is how many offsets a step may be behind before somebody should look.
const lagLimit = 100_000

// checkGroups asks who works on each step. ours says that this configuration is of processors:
// if nobody works on any then, that is told once, as a problem.
func checkGroups(ctx context.Context, b *bus.Bus, steps []processors.Step, have map[contract.Topic]cluster.TopicState, ours bool) []Finding {
	var found []Finding
	members := 0
	for _, s := range steps {
		check := "step." + s.Name
		groups, err := b.Groups(ctx, s.Name)
		if err != nil {
			found = append(found, unanswered(check, err))
			members++ // nobody knows
			continue
		}
		members += groups[s.Name].Members
		found = append(found, checkGroup(check, groups[s.Name], hindered(s, have)...))
	}
	if ours && members == 0 {
		return []Finding{nobodyProcesses(len(steps))}
	}
	return found
}

// nobodyProcesses is what is told where no process of the role processors runs.
func nobodyProcesses(steps int) Finding {
	return problemFound("processors", fmt.Sprintf("没有处理进程：%d 个步骤都无人处理，什么都到不了应用 / no process of this role runs: nobody works on any of %d steps, and nothing gets to applications", steps, steps),
		"启动 / start: yiyuan run --role processors")
}

// hindered are the topics that a step writes to and that do not take all it writes.
func hindered(s processors.Step, have map[contract.Topic]cluster.TopicState) []string {
	var out []string
	for _, t := range append(s.To[:len(s.To):len(s.To)], contract.State(s.Name)) {
		if have[t].TooSmall() {
			out = append(out, string(t))
		}
	}
	return out
}

func checkGroup(check string, g cluster.GroupState, small ...string) Finding {
	text := fmt.Sprintf("%s，成员 %d，积压 %d / %d members, lag %d", g.State, g.Members, g.Lag, g.Members, g.Lag)
	switch {
	case g.Members == 0:
		return warning(check, "没有进程在处理 / nobody works on it: "+text, "启动 / start: yiyuan run --role processors")
	case g.Lag > 0 && len(small) > 0:
		return problemFound(check, "积压，且有主题不收大的记录 / behind, and a topic takes no large records ("+terminal.Some(small)+"): "+text, "提高该主题的 max.message.bytes（见 kafka.topics），随后自行继续 / raise max.message.bytes of that topic (see kafka.topics); it then goes on by itself")
	case g.Lag > lagLimit:
		return warning(check, "积压很多 / far behind: "+text, "增加处理进程，或看其日志为何变慢 / add processes, or see in their log why they are slow")
	}
	return fine(check, text)
}

// connect opens a bus that only asks.
func (d *doctor) connect(ctx context.Context) (*bus.Bus, error) {
	return process.OpenBus(ctx, d.cfg.Bus, d.cfg.Bus.Brokers, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
}
