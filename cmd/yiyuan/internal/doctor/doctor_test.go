package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process/processtest"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings/settingstest"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/push"
	"github.com/yiyuan-bus/yiyuan/gateway/quarantine"
	"github.com/yiyuan-bus/yiyuan/gateway/redis"
	"github.com/yiyuan-bus/yiyuan/processors/verification"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// graded returns what was found under a check with a grade, as one text.
func graded(found []Finding, check, grade string) string {
	var out []string
	for _, f := range found {
		if f.Check == check && f.Grade == grade {
			out = append(out, f.What)
		}
	}
	return strings.Join(out, "\n")
}

func expect(t *testing.T, found []Finding, check, grade, says string) {
	t.Helper()
	if got := graded(found, check, grade); got == "" || !strings.Contains(got, says) {
		t.Errorf("%s %s = %q, want it to say %q; all: %v", check, grade, got, says, found)
	}
}

// Every problem says what to do, in Chinese or as a command.
func everyProblemSaysWhatToDo(t *testing.T, found []Finding) {
	t.Helper()
	for _, f := range found {
		if f.Grade == Problem && f.Do == "" {
			t.Errorf("%s: %q, and nothing to do", f.Check, f.What)
		}
	}
}

// The doctor finds a running city well, sees what is wrong with it, and changes
// nothing.
func TestDoctorOnEmbedded(t *testing.T) {
	settingstest.Bare(t)
	j := processtest.Begin(t, 1, nil)
	dir := t.TempDir()
	file := e2e.Write(t, map[string]any{
		"keys":       map[string]any{"file": e2e.KeyFile(t, dir)},
		"bus":        map[string]any{"transaction_timeout": "10ms", "session_timeout": "10s"},
		"processors": map[string]any{"dir": filepath.Join(dir, "state")},
		"sources":    filepath.Join(dir, "sources"),
	}, dir, "yiyuan.yaml")
	e2e.Write(t, map[string]any{"source": "ga-push", "kind": "push", "datasets": []string{"GA01"}}, dir, "sources", "ga-push.yaml")
	var found []Finding
	e2e.Await(t, "a sound city", func() string { // members come one by one, and a commit may take more than those 10 ms
		found = Examine(t.Context(), file, j.Brokers)
		for _, step := range j.Steps {
			if unwell := graded(found, "step."+step.Name, Warning); unwell != "" {
				return unwell
			}
		}
		if Count(found, Problem) != 0 {
			return fmt.Sprint(found)
		}
		return ""
	})
	expect(t, found, "datasets.sources", Warning, "GA02")
	e2e.MarkRefused(t, j.Bus, j.Codec, j.Keys, "GA01", "539902198503120013")
	expect(t, Examine(t.Context(), file, j.Brokers), "rows.refused", Warning, "GA01 (1)")
	rejects(t, j)
	expect(t, Examine(t.Context(), file, j.Brokers), "quarantine.open", Warning, "2 entries of quarantine are open: ga GA01 (2")
	for _, check := range []string{"config", "catalogue", "keys", "kafka.brokers", "kafka.version", "kafka.transaction.version", "kafka.topics", "kafka.transactions", "step.route"} {
		expect(t, found, check, OK, "")
	}

	kafka, err := kgo.NewClient(kgo.SeedBrokers(j.Brokers...), kgo.TransactionalID("left"), kgo.TransactionTimeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	if err := kafka.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := kafka.ProduceSync(t.Context(), &kgo.Record{Topic: "quarantine", Value: []byte("{}")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	admin, policy := kadm.NewClient(kafka), "delete"
	if _, err := admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Name: "cleanup.policy", Value: &policy}}, "findings"); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteTopics(t.Context(), "resolved.person"); err != nil {
		t.Fatal(err)
	}
	e2e.Await(t, "age", func() string {
		found = Examine(t.Context(), file, j.Brokers)
		if graded(found, "kafka.transactions", Problem) == "" {
			return "not old enough"
		}
		return ""
	})
	expect(t, found, "kafka.transactions", Problem, `"left"`)
	expect(t, found, "kafka.topics", Problem, "resolved.person")
	expect(t, found, "kafka.topics", Problem, "findings (cleanup.policy=delete≠compact)")
	everyProblemSaysWhatToDo(t, found)
}

// A doctor that reaches nothing says so once, and what is wrong beside that.
func TestDoctorWithoutServices(t *testing.T) {
	settingstest.Bare(t)
	dir := t.TempDir()
	keys := e2e.KeyFile(t, dir)
	if err := os.Chmod(keys, 0o604); err != nil {
		t.Fatal(err)
	}
	nowhere := e2e.FreePort(t)
	file := e2e.Write(t, map[string]any{
		"keys":     map[string]any{"file": keys},
		"bus":      map[string]any{"brokers": []string{nowhere}},
		"registry": map[string]any{"url": "http://" + nowhere},
		"gateway":  map[string]any{"redis": "redis://:env-secret@" + nowhere},
		"sources":  filepath.Join(dir, "sources"),
	}, dir, "yiyuan.yaml")
	if found := Examine(t.Context(), file, nil); len(found) != 1 || found[0].Grade != Problem || !strings.Contains(found[0].What, "gateway.redis") {
		t.Errorf("a secret in the file: %v", found)
	}
	t.Setenv("REDIS_HERE", "redis://:hidden-word@"+nowhere)
	t.Setenv("DSN_HERE", "postgres://u:hidden-word@"+nowhere+"/d")
	e2e.Write(t, map[string]any{
		"keys":     map[string]any{"file": keys},
		"bus":      map[string]any{"brokers": []string{nowhere}},
		"registry": map[string]any{"url": "http://" + nowhere},
		"gateway":  map[string]any{"redis": "env:REDIS_HERE"},
		"sources":  filepath.Join(dir, "sources"),
	}, dir, "yiyuan.yaml")
	e2e.Write(t, map[string]any{
		"source": "ga-pg", "kind": "postgres", "datasets": []string{"GA01"},
		"options": map[string]any{"dsn": "env:DSN_HERE", "tables": map[string]any{"public.t": map[string]any{"dataset": "GA01"}}},
	}, dir, "sources", "ga-pg.yaml")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // nobody answers
	defer cancel()
	found := Examine(ctx, file, nil)
	for _, check := range []string{"keys", "kafka", "registry", "redis", "source.ga-pg"} {
		expect(t, found, check, Problem, "")
	}
	everyProblemSaysWhatToDo(t, found)
	for _, f := range found {
		if strings.Contains(f.What+f.Do, "hidden-word") {
			t.Errorf("%s shows a password: %q", f.Check, f.What)
		}
	}
}

// Where the broker lives in a process that does not run, that is told, and not a network; and
// the disk that it writes to is looked at, and who else reads it.
func TestDoctorWithoutItsBroker(t *testing.T) {
	settingstest.Bare(t)
	dir := t.TempDir()
	data := filepath.Join(dir, "broker")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(data, 0o755); err != nil {
		t.Fatal(err)
	}
	file := e2e.Write(t, map[string]any{
		"keys": map[string]any{"file": e2e.KeyFile(t, dir)}, "bus": map[string]any{"embedded": map[string]any{"data": data, "listen": e2e.FreePort(t)}},
	}, dir, "yiyuan.yaml")
	found := Examine(t.Context(), file, nil)
	expect(t, found, "kafka", Problem, "lives in yiyuan run")
	expect(t, found, "bus.embedded.data", Problem, "other users")
	everyProblemSaysWhatToDo(t, found)
	if !slices.ContainsFunc(found, func(f Finding) bool { return f.Check == "disk.broker" && strings.Contains(f.What, data) }) {
		t.Errorf("nothing is said of the broker's disk: %v", found)
	}
}

// A city that was never started is no problem, and says what to do, once.
func TestDoctorBeforeTheFirstStart(t *testing.T) {
	settingstest.Bare(t)
	broker, err := embedded.Start(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	dir := t.TempDir()
	file := e2e.Write(t, map[string]any{"keys": map[string]any{"file": e2e.KeyFile(t, dir)}, "processors": map[string]any{"dir": filepath.Join(dir, "state")}}, dir, "yiyuan.yaml")
	found := Examine(t.Context(), file, broker.Addrs())
	expect(t, found, "kafka.topics", Warning, "nothing was started here yet")
	if Count(found, Problem) != 0 || graded(found, "step.route", Warning) != "" {
		t.Errorf("a fresh Kafka: %v", found)
	}
}

// The cache keeps a view that did not always show what it shows under a name of its own: it
// is looked for there, and called by its own.
func TestDoctorKnowsHowViewsAreStored(t *testing.T) {
	settingstest.Bare(t)
	cache := miniredis.RunT(t)
	old, now := &schemas.View{ID: "GA01.old"}, &schemas.View{ID: "GA01.now"}
	d := &doctor{cat: &schemas.Catalogue{Datasets: []*schemas.Dataset{{ID: "GA01", Views: []*schemas.View{old, now}}}}, lineage: schemas.Lineage{Known: map[string]schemas.Known{now.ID: {Step: 1}}}}
	d.cat.Index()
	d.cfg.Gateway.Redis = "redis://" + cache.Addr()
	prefix := settings.CachePrefix("")
	for _, key := range []string{prefix + ":gen", prefix + ":1:GA01.old:@"} {
		if err := cache.Set(key, "1"); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, d.cache(t.Context()), "redis.views", Warning, "(1) / not complete yet: GA01.now")
	if err := cache.Set(prefix+":1:GA01.now~1:@", "1"); err != nil {
		t.Fatal(err)
	}
	expect(t, d.cache(t.Context()), "redis.views", OK, "")
}

// TestDoctorKnowsWhatIsRenewed: views that the steps have not published whole under the
// catalogue in force are named, with since when, and how many records are withheld.
func TestDoctorKnowsWhatIsRenewed(t *testing.T) {
	settingstest.Bare(t)
	d := &doctor{
		cat:   &schemas.Catalogue{Datasets: []*schemas.Dataset{{ID: "GA01", Views: []*schemas.View{{ID: "GA01.now"}, {ID: "GA01.same"}}}}},
		since: time.Date(2026, 3, 1, 1, 2, 3, 0, time.Local), lineage: schemas.Lineage{Known: map[string]schemas.Known{"GA01.now": {Step: 1, Versions: map[string]bool{"now": true}}}},
	}
	for _, v := range d.cat.Datasets[0].Views {
		v.Dataset = d.cat.Datasets[0]
	}
	d.cat.Index()
	told := renewedLog{}
	expect(t, []Finding{d.renewals(t.Context(), told)}, "views.renewing", Warning, "2026-03-01 01:02:03 and 1 views are not published whole under it, who is not found is answered 503 YIYUAN-5031: GA01.now")
	told[contract.RenewedKey("route", 0)] = "now"
	told[contract.RenewedKey("route", 1)] = "before"
	expect(t, []Finding{d.renewals(t.Context(), told)}, "views.renewing", Warning, "GA01.now")
	told[contract.RenewedKey("route", 1)] = "now"
	expect(t, []Finding{d.renewals(t.Context(), told)}, "views.renewing", OK, "")

	cache := miniredis.RunT(t)
	d.cfg.Gateway.Redis = "redis://" + cache.Addr()
	prefix := settings.CachePrefix("")
	for key, value := range map[string]string{prefix + ":gen": "1", prefix + ":1:GA01.now~1:?": "7"} {
		if err := cache.Set(key, value); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, d.cache(t.Context()), "redis.withheld", Warning, "7 records were published under a former catalogue and have not come again, they are not answered: GA01.now (7)")
}

// renewedLog is a bus of two partitions a topic that says of steps what they have renewed.
type renewedLog map[string]string

func (renewedLog) StableOffsets(context.Context, ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	return nil, nil
}

func (renewedLog) Committed(context.Context, string) (map[contract.Topic]map[int32]int64, error) {
	return nil, nil
}

func (l renewedLog) Replay(_ context.Context, _ contract.Topic, fn func(bus.Record) error) error {
	for key, version := range l {
		if err := fn(bus.Record{Key: []byte(key), Value: []byte(`{"catalogue":"` + version + `"}`)}); err != nil {
			return err
		}
	}
	return nil
}

func (renewedLog) EndOffsets(_ context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	out := map[contract.Topic]map[int32]int64{}
	for _, t := range topics {
		out[t] = map[int32]int64{0: 1, 1: 1}
	}
	return out, nil
}

func TestDoctorJudges(t *testing.T) {
	now := time.Now()
	spec := []contract.Spec{{Topic: "findings", Compact: true}, {Topic: "raw.GA01", Compact: true, CompactAfter: time.Hour}, {Topic: "audit", Retention: -1}}
	cfg := settings.Bus{Partitions: 4, Replication: 3}
	sound := map[contract.Topic]cluster.TopicState{
		"findings": {Partitions: 4, Replication: 3, MinInSync: 2, Policy: "compact"},
		"raw.GA01": {Partitions: 4, Replication: 3, MinInSync: 2, Policy: "compact", CompactLagMS: 3600_000},
		"audit":    {Partitions: 4, Replication: 3, MinInSync: 2, Policy: "delete", RetentionMS: -1},
	}
	with := func(topic contract.Topic, change func(*cluster.TopicState)) map[contract.Topic]cluster.TopicState {
		out := map[contract.Topic]cluster.TopicState{}
		for t, s := range sound {
			if t == topic {
				change(&s)
			}
			out[t] = s
		}
		return out
	}
	ok := cluster.Broker{ID: 1, Version: "v4.1", Since4: true}
	for name, test := range map[string]struct {
		found        []Finding
		check, grade string
		says         string
	}{
		"sound cluster":      {checkCluster(cluster.Cluster{Brokers: []cluster.Broker{ok}, TransactionVersion: 2}), "kafka.version", OK, "v4.1"},
		"old brokers":        {checkCluster(cluster.Cluster{Brokers: []cluster.Broker{ok, {ID: 2, Version: "between v3.9 and v4.0"}}, TransactionVersion: 2}), "kafka.version", Problem, "v3.9"},
		"old protocol":       {checkCluster(cluster.Cluster{Brokers: []cluster.Broker{ok}, TransactionVersion: 1}), "kafka.transaction.version", Problem, "= 1"},
		"silent broker":      {checkCluster(cluster.Cluster{Brokers: []cluster.Broker{ok, {ID: 7, Err: errNoAnswer}}, TransactionVersion: 2}), "kafka.brokers", Problem, "broker 7"},
		"sound topics":       {checkTopics(cfg, spec, sound, 3), "kafka.topics", OK, "3"},
		"missing topic":      {checkTopics(cfg, spec[:1], nil, 3), "kafka.topics", Problem, "findings"},
		"other partitions":   {checkTopics(cfg, spec, with("audit", func(s *cluster.TopicState) { s.Partitions = 3 }), 3), "kafka.topics", Problem, "audit (3≠4)"},
		"audit that expires": {checkTopics(cfg, spec, with("audit", func(s *cluster.TopicState) { s.RetentionMS = 1 }), 3), "kafka.topics", Problem, "audit (retention.ms=1≠-1)"},
		"hasty compaction":   {checkTopics(cfg, spec, with("raw.GA01", func(s *cluster.TopicState) { s.CompactLagMS = 0 }), 3), "kafka.topics", Problem, "min.compaction.lag.ms"},
		"no large records":   {checkTopics(settings.Bus{Partitions: 4, Replication: 3, Prefix: "c."}, spec, with("audit", func(s *cluster.TopicState) { s.TakesBytes = 100 }), 3), "kafka.topics", Problem, "audit (max.message.bytes=100)"},
		"replicas never":     {checkTopics(cfg, spec, with("audit", func(s *cluster.TopicState) { s.Replication, s.MinInSync = 1, 2 }), 1), "kafka.replication", Problem, "audit (1/2)"},
		"no leader":          {checkTopics(cfg, spec, with("audit", func(s *cluster.TopicState) { s.Leaderless = 1 }), 3), "kafka.topics", Problem, "leader"},
		"copy behind":        {checkTopics(cfg, spec, with("audit", func(s *cluster.TopicState) { s.OutOfSync = 1 }), 3), "kafka.replication", Warning, "audit"},
		"single copy":        {checkTopics(cfg, spec, with("audit", func(s *cluster.TopicState) { s.Replication, s.MinInSync = 1, 1 }), 3), "kafka.replication", Problem, "audit (1/1)"},
		"min isr 1 of 3":     {checkTopics(cfg, spec, with("audit", func(s *cluster.TopicState) { s.MinInSync = 1 }), 3), "kafka.replication", Problem, "audit (3/1)"},
		"one broker":         {checkTopics(cfg, spec, sound, 1), "kafka.replication", Warning, "one broker"},
		"young transaction":  {checkTransactions([]cluster.OpenTransaction{{ID: "x", Started: now}}, nil, now, time.Second), "kafka.transactions", OK, "1"},
		"stuck transaction":  {checkTransactions([]cluster.OpenTransaction{{ID: "x", Started: now.Add(-time.Minute)}}, nil, now, time.Second), "kafka.transactions", Problem, `"x"`},
		"nobody works":       {[]Finding{checkGroup("step.x", cluster.GroupState{State: "Empty", Lag: 5})}, "step.x", Warning, "nobody"},
		"nobody at all":      {[]Finding{nobodyProcesses(7)}, "processors", Problem, "7 steps"},
		"before it began":    {[]Finding{untouched("c.")}, "kafka.topics", Warning, `"c."`},
		"hindered":           {[]Finding{checkGroup("step.x", cluster.GroupState{State: "Stable", Members: 2, Lag: 1}, "quarantine")}, "step.x", Problem, "quarantine"},
		"far behind":         {[]Finding{checkGroup("step.x", cluster.GroupState{State: "Stable", Members: 2, Lag: lagLimit + 1})}, "step.x", Warning, "far behind"},
		"at work":            {[]Finding{checkGroup("step.x", cluster.GroupState{State: "Stable", Members: 2, Lag: 5})}, "step.x", OK, "lag 5"},
		"evicting Redis":     {checkRedis(redis.Health{Policy: "allkeys-lru"}), "redis.eviction", Problem, "allkeys-lru"},
		"full Redis":         {checkRedis(redis.Health{Policy: "noeviction", Limit: 100, Used: 95}), "redis.memory", Problem, ""},
		"empty Redis":        {checkRedis(redis.Health{Policy: "noeviction"}), "redis.views", Warning, "503"},
		"loading Redis":      {checkRedis(redis.Health{Policy: "noeviction", Generation: "g", Missing: []string{"person.partial"}}), "redis.views", Warning, "person.partial"},
		"another bus's keys": {checkOwner(&settings.Gateway{Redis: "redis://r:1/2"}, "aa", "bb", "y:*"), "redis.bus", Problem, "another bus's"},
		"former views":       {checkRedis(redis.Health{Policy: "noeviction", Generation: "g", Former: redis.Former{Spaces: 3, Used: 1, Records: 70}}), "redis.former", Warning, "3 views"},
		"clock off":          {checkRedis(redis.Health{Ahead: -2 * time.Minute}), "redis.clock", Problem, "2m0s"},
		"clock near":         {[]Finding{checkClock("clock", 3*time.Second)}, "clock", Warning, "3s"},
		"source that works":  {[]Finding{checkSource("s", said{status: contract.SourceStatus{State: contract.StateRunning, Rows: 7}}, true)}, "source.s.state", OK, "7 rows"},
		"source gone silent": {[]Finding{checkSource("s", said{status: contract.SourceStatus{State: contract.StateRunning}, age: contract.Silence + time.Second}, true)}, "source.s.state", Problem, "silent"},
		"rows refused":       {[]Finding{checkRefused(map[string]int{"SW02": 3, "GA01": 1})}, "rows.refused", Warning, "GA01 (1), SW02 (3)"},
		"rejected":           {[]Finding{checkOpen([]quarantine.Tally{{Source: "ga", Dataset: "GA01", Open: 3, Oldest: now.Add(-90 * time.Minute)}}, now)}, "quarantine.open", Warning, "ga GA01 (3，最早 / oldest 1h30m0s)"},
		"all settled":        {[]Finding{checkOpen(nil, now)}, "quarantine.open", OK, ""},
		"none refused":       {[]Finding{checkRefused(nil)}, "rows.refused", OK, ""},
		"source held":        {[]Finding{checkSource("s", said{status: contract.SourceStatus{State: contract.StateHeld, Error: "w", Do: "d"}}, true)}, "source.s.state", Problem, "held"},
		"source lost":        {[]Finding{checkSource("s", said{status: contract.SourceStatus{State: contract.StateRunning, Lost: "slot", Do: "d"}}, true)}, "source.s.state", Problem, "slot"},
		"source of no file":  {[]Finding{checkSource("s", said{status: contract.SourceStatus{State: contract.StateStopped}}, false)}, "source.s.state", Problem, "no file binds it"},
		"source retired":     {[]Finding{checkSource("s", said{status: contract.SourceStatus{State: contract.StateRetired}}, false)}, "source.s.state", OK, "retired"},
		"dataset is back":    {[]Finding{checkSource("s", said{status: contract.SourceStatus{State: contract.StateRunning, Awaited: []string{"GA02"}, Returned: []string{"GA02"}}}, true)}, "source.s.state", Warning, "are back"},
		"first delivery":     {[]Finding{checkSource("s", said{status: contract.SourceStatus{State: contract.StateRunning, Awaited: []string{"GA02"}}}, true)}, "source.s.state", Warning, "GA02"},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, test.found, test.check, test.grade, test.says)
			everyProblemSaysWhatToDo(t, test.found)
		})
	}
}

// Dossiers stand in the folders of state and broker as they are: who lets others read them is told.
func TestDoctorSaysWhoReadsTheState(t *testing.T) {
	dir := t.TempDir()
	d := &doctor{embedded: true, cfg: settings.Config{Processors: settings.Processors{Dir: dir}, Bus: settings.Bus{Embedded: settings.Embedded{Data: dir}}}}
	for mode, want := range map[os.FileMode]int{0o700: 0, 0o750: 0, 0o755: 2, 0o701: 2} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		found := d.folders()
		everyProblemSaysWhatToDo(t, found)
		if got := Count(found, Problem); got != want {
			t.Errorf("%v: %d problems, want %d: %v", mode, got, want, found)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	d.embedded = false
	if found := d.folders(); len(found) != 1 || found[0].Check != "processors.dir" {
		t.Errorf("with Kafka elsewhere: %v", found)
	}
}

// A dataset that went from one source to another is a warning, with the one command,
// until the other was read again; not while several feed it.
func TestDoctorNamesWhatWasLeft(t *testing.T) {
	t.Parallel()
	former := contract.SourceStatus{State: contract.StateRetired, Datasets: []string{"GA01"}, Rows: 9}
	taken := contract.SourceStatus{State: contract.StateRunning, Datasets: []string{"GA02"}, Left: []string{"GA01"}, Rows: 9}
	heir := contract.SourceStatus{State: contract.StateRunning, Datasets: []string{"GA01"}}
	done := heir
	done.Inherited = map[string]int64{"former": 9}
	more := former
	more.Rows = 10
	pushed := heir
	pushed.Kind = "push"
	feeds := former
	feeds.State = contract.StateStopped
	for name, c := range map[string]struct {
		former, heir contract.SourceStatus
		third, said  bool
	}{
		"retired": {former: former, heir: heir, said: true}, "taken from it": {former: taken, heir: heir, said: true}, "read again": {former: former, heir: done}, "read again before more came": {former: more, heir: done, said: true},
		"an heir that cannot be read again": {former: former, heir: pushed, said: true},
		"still feeds it":                    {former: feeds, heir: heir}, "a third feeds it": {former: former, heir: heir, third: true},
	} {
		d := &doctor{said: map[string]said{"former": {status: c.former}, "heir": {status: c.heir}}}
		if c.third {
			d.said["third"] = said{status: heir}
		}
		found := d.leftBehind()
		if len(found) > 0 != c.said {
			t.Errorf("%s: %+v", name, found)
		}
		for _, f := range found {
			do := "yiyuan source resync heir"
			if c.heir.Kind == "push" { // nobody is sent to do what is refused
				do = push.Kind(nil, "").Reread.Cannot
			}
			if f.Grade != Warning || f.Do != do || !strings.Contains(f.What, "GA01") || !strings.Contains(f.What, "former") {
				t.Errorf("%s: %+v", name, f)
			}
			e2e.CommandsExist(t, f.Do)
		}
	}
}

// A dataset that nothing brings is a warning that says what to do: not one that a file binds,
// that a source elsewhere feeds or has brought, or that is not connected here.
func TestDoctorNamesDatasetsWithoutSource(t *testing.T) {
	t.Parallel()
	sets := map[string]*schemas.Dataset{}
	cat := &schemas.Catalogue{}
	for _, id := range []string{"AA01", "BB01", "CC01", "DD01", "EE01", "FF01", "GG01"} {
		sets[id] = &schemas.Dataset{ID: id}
		cat.Datasets = append(cat.Datasets, sets[id])
	}
	d := &doctor{cat: cat, bound: true, sources: []connectors.Config{{Name: "a", Datasets: []*schemas.Dataset{sets["AA01"]}}}}
	d.cfg.Roles, d.cfg.Sources, d.cfg.Gateway.Unconnected = []string{settings.RoleConnectors}, "/etc/sources", []string{"CC01"}
	d.awaits = map[string]wiring.Waiting{"d": {Config: connectors.Config{Name: "d", Datasets: []*schemas.Dataset{sets["DD01"]}}}}
	d.said = map[string]said{
		"elsewhere": {status: contract.SourceStatus{State: contract.StateStopped, Datasets: []string{"BB01"}}},
		"retired":   {status: contract.SourceStatus{State: contract.StateRetired, Datasets: []string{"EE01", "FF01"}, Complete: []string{"EE01"}}},
	}
	found := d.unfed()
	if len(found) != 1 || found[0].Grade != Warning || !strings.Contains(found[0].What, "：FF01, GG01 / ") || !strings.Contains(found[0].Do, "gateway.unconnected") || !strings.Contains(found[0].Do, "/etc/sources") {
		t.Errorf("it says %+v", found)
	}
	d.cfg.Gateway.Unconnected = []string{"CC01", "FF01", "GG01"}
	if found := d.unfed(); len(found) != 1 || found[0].Grade != OK {
		t.Errorf("all are fed, and it says %+v", found)
	}
	d.cfg.Gateway.Unconnected = nil
	for name, change := range map[string]func(d *doctor){
		"another role": func(d *doctor) { d.cfg.Roles = []string{settings.RoleGateway} }, "no folder": func(d *doctor) { d.cfg.Sources = "" }, "a folder that cannot be read": func(d *doctor) { d.bound = false },
	} {
		other := *d
		if change(&other); len(other.unfed()) > 0 {
			t.Errorf("%s: %+v", name, other.unfed())
		}
	}
}

// Rules that wait are a warning that names what they wait for.
func TestDoctorNamesWaitingRules(t *testing.T) {
	t.Parallel()
	d := &doctor{waits: []verification.Awaited{{Rule: "XV-10", Case: "a", Datasets: []string{"GA01", "WJ02"}}, {Rule: "XV-11", Case: "b", Datasets: []string{"GA01"}}}}
	d.said = map[string]said{"ga": {status: contract.SourceStatus{Announced: []string{"GA01"}}}}
	if f := d.waiting(); f.Grade != Warning || !strings.Contains(f.What, "XV-10") || strings.Contains(f.What, "XV-11") || !strings.Contains(f.What, "WJ02") {
		t.Errorf("it says %+v", f)
	}
	d.said["wj"] = said{status: contract.SourceStatus{Announced: []string{"WJ02"}}}
	if f := d.waiting(); f.Grade == Warning {
		t.Errorf("all is there, and it says %+v", f)
	}
}
