package doctor

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/processors/verification"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// configuration loads what the other checks need; false if it cannot be loaded.
func (d *doctor) configuration(file string, brokers []string) ([]Finding, bool) {
	var err error
	if d.cfg, err = settings.Load(file); err != nil {
		return []Finding{problemFound("config", "配置读不了 / the configuration cannot be read: "+terminal.Whole(err), "按提示改配置，每一项见 deploy/yiyuan.yaml / mend it, every key is in deploy/yiyuan.yaml")}, false
	}
	found := []Finding{fine("config", "配置可读 / the configuration is readable")}
	if file == "" {
		found = []Finding{fine("config", "没有给 --config：用默认设置和环境变量 YIYUAN_*  / no --config was given: defaults and the environment YIYUAN_* are used")}
	}
	if len(brokers) > 0 {
		d.cfg.Bus.Brokers = brokers
	}
	if len(d.cfg.Bus.Brokers) == 0 {
		d.embedded = true
		d.cfg.Bus.Brokers = []string{d.cfg.Bus.Embedded.Listen}
	}
	folder := process.ReadFolder(d.cfg.Catalogue)
	if d.cat = folder.Catalogue; folder.Broken != nil {
		return append(found, problemFound("catalogue", "目录有误 / the catalogue is wrong: "+terminal.FirstLine(folder.Broken), "看全部错误 / see all errors with: "+d.check("", ""))), false
	}
	found = append(found, fine("catalogue", fmt.Sprintf("%s，%d 个数据集 / %d datasets", d.cat.City.Name, len(d.cat.Datasets), len(d.cat.Datasets))))
	if err := d.use(d.cat); err != nil {
		return append(found, problemFound("rules", "规则有误 / rules are wrong: "+terminal.FirstLine(err), "看全部错误 / see all errors with: "+d.check("", ""))), false
	}
	if d.sources, err = wiring.Bindings(d.cfg.Sources, d.cat); err != nil {
		found = append(found, problemFound("sources", "数据源有误 / sources are wrong: "+terminal.FirstLine(err), "看全部错误 / see all errors with: "+d.check("--sources", d.cfg.Sources)))
	} else if d.bound = true; len(d.sources) > 0 {
		found = append(found, fine("sources", fmt.Sprintf("%d 个数据源 / %d sources", len(d.sources), len(d.sources))))
	}
	found = append(found, d.grants()...)
	found = append(found, d.pushKeys()...)
	found = append(found, d.certificates(time.Now())...)
	return append(found, d.secrets()), true
}

// check is the command that tells all errors of the catalogue and of a file beside it: it
// judges against the configured catalogue.
func (d *doctor) check(flag, path string) string {
	words := []string{"yiyuan", "check"}
	for _, f := range [][2]string{{"--catalogue", d.cfg.Catalogue}, {flag, path}} {
		if f[1] != "" {
			words = append(words, f[0], shellquote(f[1]))
		}
	}
	return strings.Join(words, " ")
}

// plain are paths that a shell takes as they are.
var plain = regexp.MustCompile(`^[\pL\pN_@%+=:,./-]+$`)

func shellquote(path string) string {
	if plain.MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// use makes a catalogue the one that the other checks go by.
func (d *doctor) use(cat *schemas.Catalogue) error {
	keys, err := keyring.New(keyring.Intl, map[int][]byte{1: make([]byte, 32)}, 1)
	if err != nil {
		return err
	}
	d.cat, d.steps = cat, wiring.Steps(cat, codec.New(codec.NewMemory()), keys)
	d.specs = wiring.Topics(cat, d.steps)
	d.waits, err = verification.Awaits(cat, keys)
	return err
}

// inForce holds the configured folder against the catalogue in force, by which the
// processes run and the checks after this one go.
func (d *doctor) inForce(ctx context.Context, b *bus.Bus) []Finding {
	const check = checkInForce
	past, err := process.ReadHistory(ctx, b, b.Peek)
	f := process.InForce(past)
	defer func() { d.lineage, d.since = process.Lineage(d.cat, past), time.UnixMilli(f.At) }()
	switch {
	case err != nil:
		return []Finding{unanswered(check, err)}
	case !f.Any():
		if _, known, err := process.Lost(ctx, b); err == nil && known[contract.Catalogues] != "" {
			return []Finding{problemFound(check, "总线上原有的目录没有了，现在没有生效的，不能启动 / the catalogue that was in force on this bus is gone, none is in force, nothing starts",
				"先看 yiyuan plan，再运行 yiyuan apply，然后启动 / look at yiyuan plan, then yiyuan apply, then start")}
		}
		return []Finding{fine(check, "尚无生效的目录，第一个启动的进程会使配置的目录生效 / none is in force yet, the first process to start puts the configured one in force")}
	case f.Version == d.cat.Version:
		return []Finding{fine(check, fmt.Sprintf("生效的就是配置的目录 %s / the configured catalogue %s is in force", f.Version, f.Version))}
	}
	edited, folder := d.cat, d.cat.Version
	cat, err := process.LoadInForce(f)
	if err == nil {
		err = d.use(cat)
	}
	if err != nil {
		return []Finding{problemFound(check, "生效的目录本版本读不了 / this build cannot read the catalogue in force: "+terminal.FirstLine(err), "用原版本运行，或 yiyuan apply 换上能读的目录 / run the build of before, or put another in force: yiyuan apply")}
	}
	if f.Sample && d.cfg.Catalogue == "" {
		return []Finding{warning(check, fmt.Sprintf("生效的是另一版本程序的示例城市 %s，下次启动换为 %s / the sample city of another build, %s, is in force; the next start puts %s in force", f.Version, folder, f.Version, folder), "")}
	}
	if _, waits, err := wiring.BindingsInForce(d.cfg.Sources, cat, edited); err == nil {
		d.awaits = map[string]wiring.Waiting{}
		for _, w := range waits {
			d.awaits[w.Name] = w
		}
	}
	found := d.grantsAhead(edited)
	return append(found, warning(check, fmt.Sprintf("配置的目录 %s 没有生效；生效的是 %s（%s 应用），Kafka、缓存和数据源的状态以它为准 / the configured catalogue %s is not in force; %s is, applied by %s, and Kafka, the cache and the states of sources are judged by it", folder, f.Version, f.By, folder, f.Version, f.By),
		"先看 yiyuan plan，再运行 yiyuan apply；已应用而进程仍运行旧目录的，重启进程 / look at yiyuan plan, then yiyuan apply; restart processes that still run another"))
}

// grantsAhead tells an access file that waits for the edited folder to be in force.
func (d *doctor) grantsAhead(edited *schemas.Catalogue) []Finding {
	if !d.cfg.Has(settings.RoleGateway) {
		return nil
	}
	err := process.AccessAhead(d.cfg.Access, d.cat, edited)
	if err == nil {
		return nil
	}
	return []Finding{problemFound("access", "下次启动会拒绝应用与授权文件 / the next start refuses the access file: "+terminal.FirstLine(err), "先看 yiyuan plan，再运行 yiyuan apply / look at yiyuan plan, then yiyuan apply")}
}

// grants reads the access file as the gateway does. A running gateway keeps what
// was in force before a fault of it.
func (d *doctor) grants() []Finding {
	if !d.cfg.Has(settings.RoleGateway) || d.cfg.Access == "" {
		return nil
	}
	who, _, err := process.OpenAccess(d.cfg.Access, d.cat)
	if err != nil {
		return []Finding{problemFound("access", "应用与授权文件有误：下次启动会拒绝它，运行中的网关仍按改动前的执行 / the access file is wrong: the next start refuses it, a running gateway keeps what was in force before: "+terminal.FirstLine(err),
			"按提示改正，一秒内生效；看全部错误 / mend it, it is in force within a second; see all errors with: "+d.check("--access", d.cfg.Access))}
	}
	return []Finding{fine("access", fmt.Sprintf("%d 个应用 / %d applications", who.Len(), who.Len()))}
}

// pushKeys reads the push keys as the connectors do.
func (d *doctor) pushKeys() []Finding {
	file := d.cfg.Push.Keys
	if !d.cfg.Has(settings.RoleConnectors) || file == "" {
		return nil
	}
	if err := process.CheckPushKeys(file); err != nil {
		return []Finding{problemFound("push.keys", "推送密钥文件有误：下次启动会拒绝它，运行中的进程仍用改动前的密钥 / the file of push keys is wrong: the next start refuses it, a running process keeps the keys before: "+terminal.FirstLine(err),
			"按提示改正；看全部错误 / mend it; see all errors with: "+d.check("--push-keys", file))}
	}
	return []Finding{fine("push.keys", file)}
}
