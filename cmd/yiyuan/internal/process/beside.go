package process

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/plan"
)

// Beside adds to a plan what stands beside the catalogue and would refuse a start of this
// configuration under cat, judged by what reads it at a start; file is the configuration's.
// What cannot be looked at from here is said among the steps.
func Beside(p *plan.Plan, cfg settings.Config, file string, cat *schemas.Catalogue) {
	judge := func(kind, path string, err error, chinese, english string) {
		switch {
		case err == nil:
		case hidden(err):
			p.Steps = append(p.Steps, plan.Step{
				Kind: "unseen", Of: kind,
				Chinese: kind + "（" + path + "）在这里打不开，没有判断它；请以运行进程的用户运行 yiyuan plan",
				English: kind + " (" + path + ") cannot be opened here and was not judged: run yiyuan plan as the user of the process",
			})
		default:
			p.Unfit = append(p.Unfit, plan.Unfit{Kind: kind, Faults: faults(err, path), Chinese: chinese, English: english})
		}
	}
	var absent [2][]string
	if cfg.Has(settings.RoleGateway) {
		judge("gateway.unconnected", file, settings.Placed(cfg.Gateway.Fits(cat), file), "启动前从这一项去掉没有的数据集，或改正", "before the start take what is not there out of the list, or correct it")
	}
	if cfg.Has(settings.RoleGateway) && cfg.Access != "" {
		_, _, err := OpenAccess(cfg.Access, cat)
		judge("access", cfg.Access, err, "在授权文件里删去或改正这些处；运行中的网关一秒内照办，删去的随即不再作答", "take these out of the access file, or correct them; a running gateway follows within a second and answers what was taken out no more")
	} else {
		absent = [2][]string{{"授权文件"}, {"the access file"}}
	}
	if cfg.Has(settings.RoleConnectors) && cfg.Sources != "" {
		_, err := wiring.Bindings(cfg.Sources, cat)
		judge("sources", cfg.Sources, err, "改正这些数据源文件；不再要的先 yiyuan source retire 名称，再删去文件", "correct these files of sources; of one that is not wanted any more: yiyuan source retire NAME, then delete its file")
	} else {
		absent[0], absent[1] = append(absent[0], "数据源文件"), append(absent[1], "the files of sources")
	}
	if cfg.Has(settings.RoleConnectors) {
		judge("push.keys", cfg.Push.Keys, CheckPushKeys(cfg.Push.Keys), "改正推送密钥文件", "correct the file of push keys")
	}
	if len(absent[0]) > 0 && !p.Empty() {
		p.Steps = append(p.Steps, plan.Step{
			Kind:    "elsewhere",
			Chinese: "本配置不读" + strings.Join(absent[0], "和") + "，别处进程所读的这里看不到：apply 之前在那里运行 yiyuan plan --config 其配置 --catalogue 这个文件夹",
			English: "this configuration does not read " + strings.Join(absent[1], " and ") + ", and what processes elsewhere read is not seen from here: before apply run there yiyuan plan --config THEIRS --catalogue THIS-FOLDER",
		})
	}
}

// with adds to what refuses a start for one kind of thing all else that would refuse the
// next one: who mends a place is told of all of them.
func (a *Process) with(err error, kind string) error {
	var p plan.Plan
	Beside(&p, a.cfg, "", a.Catalogue)
	var more []string
	for _, u := range p.Unfit {
		if u.Kind != kind {
			more = append(more, u.Faults...)
		}
	}
	if len(more) == 0 {
		return err
	}
	return fmt.Errorf("%w\n这些也会使启动被拒绝 / a start is refused by these, too:\n%s", err, strings.Join(more, "\n"))
}

// hidden reports an error that says of nothing but files that cannot be opened.
func hidden(err error) bool {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(many.Unwrap(), func(one error) bool { return !hidden(one) })
	}
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}

// faults are the lines of an error that name a place in or under path; all of it where none does.
func faults(err error, path string) []string {
	all := strings.Split(err.Error(), "\n")
	var placed []string
	for _, line := range all {
		if path != "" && (strings.HasPrefix(line, path) || strings.HasPrefix(line, filepath.Clean(path))) {
			placed = append(placed, line)
		}
	}
	if len(placed) == 0 {
		return all
	}
	return placed
}
