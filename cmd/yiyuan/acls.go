package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/rights"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// The principals of a city, the words of acls.
const (
	principalBus        = "bus"
	principalSubscriber = "subscriber"
	principalAuditor    = "auditor"
)

// granting is what acls was told.
type granting struct {
	file, group, output string
	sources, views      []string
	to                  rights.Command
}

func aclsCommand() *cobra.Command {
	var g granting
	cmd := &cobra.Command{
		Use:   "acls WHO --principal User:NAME",
		Short: "打印某个 Kafka 用户所需的授权（kafka-acls.sh 命令）/ print the rights that a Kafka user needs, as lines of kafka-acls.sh",
		Long: `由目录、处理步骤和数据源推出，不连 Kafka，也不改任何东西；把输出交给 Kafka 管理员执行。WHO 是：
  bus         总线自己的用户：全部角色，建主题，运维命令
  processors  只运行处理的进程（总线已启动过一次）
  gateway     只运行网关的进程（同上）
  connectors  只运行所列数据源的进程，例如放在部门的：只能写自己数据集的 raw 主题（同上）
  subscriber  订阅共享视图的应用：只能读所列视图的主题
  auditor     审计员：只能读审计（yiyuan audit）
Derived from the catalogue, the steps and the sources, without Kafka; nothing is changed. Give the output to Kafka's administrator. WHO is
bus (all roles, topics made, operators' commands), processors or gateway (that role alone, on a bus started once), connectors (the sources
named, such as in a department: it writes the raw topics of its own datasets and no other's), subscriber (reads the topics of the views named),
auditor (reads the audit, by yiyuan audit).`,
		Example: `  yiyuan acls bus --config yiyuan.yaml --principal User:yiyuan
  yiyuan acls connectors --config yiyuan.yaml --principal User:ga --source ga-pg
  yiyuan acls subscriber --config yiyuan.yaml --principal User:mz --view person.partial --group mz.`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: []string{principalBus, settings.RoleProcessors, settings.RoleGateway, settings.RoleConnectors, principalSubscriber, principalAuditor},
		RunE:      func(cmd *cobra.Command, args []string) error { return g.print(cmd, args[0]) },
	}
	cmd.Flags().StringVar(&g.file, "config", "", "配置文件 / configuration file")
	cmd.Flags().StringVar(&g.to.Principal, "principal", "", "Kafka 用户，如 User:ga / the Kafka user")
	cmd.Flags().StringSliceVar(&g.sources, "source", nil, "connectors：数据源的名称 / names of the sources")
	cmd.Flags().StringSliceVar(&g.views, "view", nil, "subscriber：视图 / views")
	cmd.Flags().StringVar(&g.group, "group", "", "subscriber：消费组名称的开头 / what the names of its consumer groups begin with")
	cmd.Flags().StringVar(&g.to.Config, "command-config", "admin.properties", "管理员的 Kafka 客户端配置 / Kafka client configuration of the administrator")
	cmd.Flags().BoolVar(&g.to.Remove, "remove", false, "改为收回 / take the rights away instead")
	cmd.Flags().StringVarP(&g.output, "output", "o", "kafka-acls", "kafka-acls json")
	return cmd
}

// print writes what one principal needs.
func (g *granting) print(cmd *cobra.Command, who string) error {
	wrong := func(format string, args ...any) error { return usageError(cmd, fmt.Errorf(format, args...)) }
	if g.to.Principal == "" || !strings.Contains(g.to.Principal, ":") {
		return wrong("--principal 须写作 User:名称，不能是 %[1]q / --principal is User:NAME, not %[1]q", g.to.Principal)
	}
	cfg, err := settings.Load(g.file)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	cat, err := wiring.Catalogue(cfg.Catalogue)
	if err != nil {
		return err
	}
	city, err := cityOf(cfg.Bus.Prefix, cat)
	if err != nil {
		return err
	}
	for flag, use := range map[string]struct {
		given bool
		of    string
	}{"--source": {len(g.sources) > 0, settings.RoleConnectors}, "--view": {len(g.views) > 0, principalSubscriber}, "--group": {g.group != "", principalSubscriber}} {
		if use.given && who != use.of {
			return wrong("%[1]s 只用于 %[2]s，不用于 %[3]s / %[1]s is for %[2]s, not for %[3]s", flag, use.of, who)
		}
	}
	var needed []rights.Right
	switch who {
	case principalBus:
		needed = city.Bus()
	case settings.RoleProcessors:
		needed = city.Processors()
	case settings.RoleGateway:
		needed = city.Gateway()
	case settings.RoleConnectors:
		sources, err := g.named(cfg.Sources, cat)
		if err != nil {
			return err
		}
		if len(sources) == 0 {
			return wrong("connectors 需要 --source：数据源的名称 / connectors wants --source, the names of its sources")
		}
		needed = city.Connectors(sources...)
	case principalAuditor:
		needed = city.Auditor()
	case principalSubscriber:
		if len(g.views) == 0 || g.group == "" {
			return wrong("subscriber 需要 --view 和 --group / subscriber wants --view and --group")
		}
		for _, id := range g.views {
			if _, err := cat.View(id); err != nil {
				return exit.With(exit.NotFound, err)
			}
		}
		needed = city.Subscriber(g.group, g.views...)
	default:
		return wrong("可为 %[2]s，不能是 %[1]q / it is one of %[2]s, not %[1]q", who, strings.Join(cmd.ValidArgs, ", "))
	}
	switch g.output {
	case "json":
		return json.NewEncoder(cmd.OutOrStdout()).Encode(needed)
	case "kafka-acls":
		if g.to.Bootstrap = strings.Join(cfg.Bus.Brokers, ","); g.to.Bootstrap == "" {
			return wrong("bus.brokers 是空的：内置消息代理没有授权 / bus.brokers is empty: the embedded broker knows no rights")
		}
		return g.to.Write(cmd.OutOrStdout(), needed)
	}
	return wrong("--output 可为 kafka-acls、json，不能是 %[1]q / --output is kafka-acls or json, not %[1]q", g.output)
}

// named are the sources that were named, of those bound in a folder.
func (g *granting) named(dir string, cat *schemas.Catalogue) ([]rights.Source, error) {
	bound, err := wiring.Bindings(dir, cat)
	if err != nil {
		return nil, err
	}
	have := map[string]rights.Source{}
	for _, b := range bound {
		s := rights.Source{Name: b.Name, Audits: b.Kind == "push"}
		for _, d := range b.Datasets {
			s.Datasets = append(s.Datasets, d.ID)
		}
		have[b.Name] = s
	}
	var out []rights.Source
	for _, name := range g.sources {
		s, ok := have[name]
		if !ok {
			return nil, exit.With(exit.NotFound, fmt.Errorf("sources 里没有数据源 %q / no source %q is bound", name, name))
		}
		out = append(out, s)
	}
	return out, nil
}

// cityOf is what rights are derived from: the very topics and steps that a process has.
func cityOf(prefix string, cat *schemas.Catalogue) (rights.City, error) {
	keys, err := keyring.New(keyring.Intl, map[int][]byte{1: make([]byte, 32)}, 1)
	if err != nil {
		return rights.City{}, err
	}
	steps := wiring.Steps(cat, codec.New(codec.NewMemory()), keys)
	city := rights.City{Prefix: prefix, Steps: steps, Reads: gateway.Reads(cat)}
	for _, s := range wiring.Topics(cat, steps) {
		city.Topics = append(city.Topics, s.Topic)
	}
	return city, nil
}
