package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/plan"
)

// planner compares a folder with what is in force.
type planner struct {
	file    string
	brokers []string
	folder  string
	json    bool
}

func (p *planner) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.file, "config", "", "配置文件 / configuration file")
	cmd.Flags().StringSliceVar(&p.brokers, "brokers", nil, "消息代理地址，代替配置中的 / brokers instead of the configured ones")
	cmd.Flags().StringVar(&p.folder, "catalogue", "", "目录文件夹，代替配置中的 / catalogue folder instead of the configured one")
	cmd.Flags().BoolVar(&p.json, "json", false, "给程序用的 JSON / JSON, for programs")
}

func planCommand() *cobra.Command {
	var p planner
	var against string
	var detailed bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "目录文件夹与生效目录的差异，新公开的字段在最前 / how the catalogue folder differs from the one in force, newly exposed fields first",
		Long: `对比目录文件夹与总线上生效的目录：先列新公开的内容，再列删除、兼容和拒绝的改动，然后是会使下次启动被拒绝的授权文件、数据源文件、推送密钥和配置项，最后说明生效后会发生什么。不改变任何东西。
有被拒绝的改动，或下次启动会被拒绝时，退出码为 1。加 --detailed-exitcode 时：0 没有差异，6 有差异且可以应用，1 有被拒绝的或失败（terraform 以 2 表示有差异，本程序的 2 是用法有误）。
Compares the catalogue folder with the one in force on the bus: newly exposed first, then what is removed, compatible and refused, then what of the access file, the files of sources,
the push keys and the settings refuses the next start, then what happens. Nothing is changed. Ends with 1 where something is refused, or the next start is.
With --detailed-exitcode: 0 no difference, 6 differences that can be applied, 1 refused or failed (terraform says 2 for differences, which is wrong usage here).`,
		Example: `  yiyuan plan --config /etc/yiyuan/yiyuan.yaml --catalogue my-city/
  yiyuan plan --catalogue my-city/ --against my-city-as-published/   # without Kafka`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			made, err := p.make(cmd.Context(), against)
			if err != nil {
				return err
			}
			if err := p.show(made, cmd.OutOrStdout()); err != nil {
				return err
			}
			if err := errors.Join(refused(made), unstarted(made)); err != nil {
				return exit.With(exit.Problems, err)
			}
			if detailed && !made.Empty() {
				return exit.With(exit.Differs, nil)
			}
			return nil
		},
	}
	p.flags(cmd)
	cmd.Flags().StringVar(&against, "against", "", "与这个文件夹比较，不连 Kafka / compare with this folder, without Kafka")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "有差异时以 6 退出 / end with 6 if there are differences")
	return cmd
}

func applyCommand() *cobra.Command {
	var p planner
	var yes, later bool
	var from, by string
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "让目录文件夹在总线上生效 / put the catalogue folder in force on the bus",
		Long: `显示与生效目录的差异，确认后发布；被拒绝的改动不能发布。如其间别人已应用另一目录，则拒绝并说明。各进程重启后使用新目录。
授权文件、数据源文件、推送密钥、配置项有一处会使下次启动被拒绝的，也不发布，除非加 --mend-later：先生效，启动前再改正。
Shows the difference to the catalogue in force, asks, and publishes it; what is refused cannot be published. If somebody else has applied
another one meanwhile this is refused and told. Processes take the new one at their next start. Where the access file, a file of a source,
the push keys or a setting would refuse that start nothing is published either, but by --mend-later, for who mends them before the start.`,
		Example: `  yiyuan apply --config /etc/yiyuan/yiyuan.yaml --catalogue my-city/
  yiyuan apply --config yiyuan.yaml --yes --from 0123456789ab   # only if the plan that was reviewed still holds`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.apply(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr(), applying{yes, later, from, by})
		},
	}
	p.flags(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "不询问 / do not ask")
	cmd.Flags().BoolVar(&later, "mend-later", false, "会使下次启动被拒绝的文件启动前再改正 / mend what would refuse the next start later, before it")
	cmd.Flags().StringVar(&from, "from", "", "只有生效的仍是这一版本时才应用（plan 所示）/ apply only if this version is still in force, as plan shows it")
	cmd.Flags().StringVar(&by, "by", process.User(), "谁在应用 / who applies it")
	cmd.Flag("by").DefValue = "$USER"
	return cmd
}

// refused is the error of a plan that cannot be applied.
func refused(p *plan.Plan) error {
	if n := len(p.Refused); n > 0 {
		return exit.With(exit.Problems, fmt.Errorf("%d 处改动被拒绝，不能应用 / %d changes are refused, this cannot be applied", n, n))
	}
	return nil
}

// unstarted is the error of a plan after which the next start would be refused.
func unstarted(p *plan.Plan) error {
	n := 0
	for _, u := range p.Unfit {
		n += len(u.Faults)
	}
	if n == 0 {
		return nil
	}
	return exit.With(exit.Problems, fmt.Errorf("%d 处会使下次启动被拒绝：按上面所说改正，再 apply；确要先生效的加 --mend-later，启动前改正 / %d faults refuse the next start: mend them as is said above, then apply; to put it in force first there is --mend-later, then mend them before the start", n, n))
}

func (p *planner) show(made *plan.Plan, to io.Writer) error {
	if p.json {
		return json.NewEncoder(to).Encode(made)
	}
	return made.Write(to)
}

// load reads the configuration and the folder.
func (p *planner) load() (settings.Config, *process.Folder, error) {
	cfg, err := settings.Load(p.file)
	if err != nil {
		return cfg, nil, exit.With(exit.Usage, err)
	}
	if p.folder != "" {
		cfg.Catalogue = p.folder
	}
	if len(p.brokers) > 0 {
		cfg.Bus.Brokers = p.brokers
	}
	want := process.ReadFolder(cfg.Catalogue)
	return cfg, &want, want.Broken
}

// make compares the folder with another, or with what is in force.
func (p *planner) make(ctx context.Context, against string) (*plan.Plan, error) {
	cfg, want, err := p.load()
	if err != nil {
		return nil, err
	}
	if against != "" {
		old, err := wiring.Catalogue(against)
		if err != nil {
			return nil, err
		}
		made := plan.Make(old, want.Catalogue)
		process.Beside(made, cfg, p.file, want.Catalogue)
		return made, nil
	}
	b, done, err := reach(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer done()
	past, err := process.ReadHistory(ctx, b, b.Peek)
	if err != nil {
		return nil, err
	}
	made := compareInForce(past, want.Catalogue)
	process.Beside(made, cfg, p.file, want.Catalogue)
	return made, nil
}

// compareInForce plans against what is in force. Against what this build cannot read,
// and where nothing is in force, everything is newly exposed. What was in force before
// binds, as far as this build can read it. past is as of process.ReadHistory.
func compareInForce(past []contract.Applied, next *schemas.Catalogue) *plan.Plan {
	f := process.InForce(past)
	if f.Version == next.Version {
		return plan.Make(next, next)
	}
	old := &schemas.Catalogue{Version: f.Version}
	var before []plan.Past
	for _, a := range past {
		cat, err := process.LoadInForce(contract.InForce{Applied: a})
		if err != nil {
			continue
		}
		before = append(before, plan.Past{Catalogue: cat, At: time.UnixMilli(a.At)})
		if a.Version == f.Version {
			old = cat
		}
	}
	old.Index()
	return plan.Make(old, next, before...)
}

// applying is how a catalogue is to be applied.
type applying struct {
	yes, later bool
	from, by   string
}

func (p *planner) apply(ctx context.Context, in io.Reader, out, talk io.Writer, how applying) error {
	cfg, want, err := p.load()
	if err != nil {
		return err
	}
	if how.yes && p.file == "" && len(cfg.Bus.Brokers) == 0 {
		return exit.With(exit.Usage, errors.New("--yes 须说明是哪条总线：请加 --config 或 --brokers / with --yes it has to be said which bus: give --config or --brokers"))
	}
	b, done, err := reach(ctx, cfg)
	if err != nil {
		return err
	}
	defer done()
	if err := b.Ensure(ctx, contract.CatalogueSpec); err != nil {
		return err
	}
	past, err := process.ReadHistory(ctx, b, b.Replay)
	if err != nil {
		return err
	}
	f := process.InForce(past)
	if how.from != "" && how.from != f.Version {
		return conflict(how.from, f)
	}
	made := compareInForce(past, want.Catalogue)
	process.Beside(made, cfg, p.file, want.Catalogue)
	if err := p.show(made, out); err != nil {
		return err
	}
	if err := refused(made); err != nil {
		return err
	}
	if err := unstarted(made); err != nil && !how.later {
		return err
	}
	if made.Empty() {
		return nil
	}
	if !how.yes {
		at := strings.Join(cfg.Bus.Brokers, ", ")
		if at == "" {
			at = cfg.Bus.Embedded.Listen
		}
		if _, err := fmt.Fprintf(talk, "总线 / bus: %s，前缀 / prefix: %q，生效目录 / in force: %q\n", at, cfg.Bus.Prefix, f.Version); err != nil {
			return err
		}
		if err := confirm(ctx, in, talk, len(made.Exposed)); err != nil {
			return err
		}
	}
	if past, err = process.Apply(ctx, b, want, f.Version, how.by); err != nil {
		return err
	}
	now := process.InForce(past)
	if now.Version != want.Catalogue.Version {
		return conflict(f.Version, now)
	}
	_, err = fmt.Fprintf(talk, "目录 %s 已生效，重启各进程后使用 / catalogue %s is in force, restart the processes to take it\n", now.Version, now.Version)
	return err
}

// conflict says that the plan was made against what is no longer in force.
func conflict(planned string, f contract.InForce) error {
	return exit.With(exit.Problems, fmt.Errorf("计划针对的是 %s，但其间 %s 已由 %s 于 %s 应用；请重新运行 yiyuan plan / the plan is for %s, but %s was applied by %s at %s meanwhile; run yiyuan plan again",
		planned, f.Version, f.By, time.UnixMilli(f.At).In(schemas.Zone).Format(time.DateTime), planned, f.Version, f.By, time.UnixMilli(f.At).UTC().Format(time.RFC3339)))
}

// confirm asks whether to go on.
func confirm(ctx context.Context, in io.Reader, talk io.Writer, exposed int) error {
	if _, err := fmt.Fprintf(talk, "新公开 %d 处。输入 yes 生效 / %d newly exposed. Type yes to put it in force: ", exposed, exposed); err != nil {
		return err
	}
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(in).ReadString('\n') // nothing is a no
		line <- strings.TrimSpace(text)
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case text := <-line:
		if text == "yes" {
			return nil
		}
	}
	return exit.With(exit.Problems, errors.New("没有应用 / nothing was applied"))
}

// reach connects to the bus of a configuration: to its brokers, to the embedded one of
// the process that runs, or to the embedded one's data if none does.
func reach(ctx context.Context, cfg settings.Config) (*bus.Bus, func(), error) {
	log, stop, brokers := slog.New(slog.DiscardHandler), func() {}, cfg.Bus.Brokers
	if len(brokers) == 0 && listens(ctx, cfg.Bus.Embedded.Listen) {
		brokers = []string{cfg.Bus.Embedded.Listen}
	}
	if len(brokers) == 0 {
		if cfg.Bus.Embedded.Data == "" {
			return nil, nil, exit.With(exit.Unavailable, fmt.Errorf("没有进程在 %s 上运行内置代理，也没有配置 bus.brokers 或 bus.embedded.data；不连 Kafka 可用 plan --against / "+
				"no process runs the embedded broker at %s, and neither bus.brokers nor bus.embedded.data is configured; plan --against needs no Kafka", cfg.Bus.Embedded.Listen, cfg.Bus.Embedded.Listen))
		}
		broker, err := process.StartBroker(ctx, cfg.Bus.Embedded, log)
		if err != nil {
			return nil, nil, err
		}
		stop, brokers = broker.Close, broker.Addrs()
	}
	b, err := process.OpenBus(ctx, cfg.Bus, brokers, log, prometheus.NewRegistry())
	if err != nil {
		stop()
		return nil, nil, err
	}
	return b, func() { b.Close(); stop() }, nil
}

// listens reports whether somebody answers at an address.
func listens(ctx context.Context, address string) bool {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close() // only asked whether it is there
	return true
}
