package plan

import (
	"fmt"
	"io"
	"strings"
)

// Write writes the plan for people: newly exposed first, Chinese before English.
func (p *Plan) Write(to io.Writer) error {
	var b strings.Builder
	if p.Empty() {
		fmt.Fprintf(&b, "没有差异，目录版本 %s / no difference, catalogue %s\n", p.To, p.To)
		p.writeUnfit(&b)
		_, err := io.WriteString(to, b.String())
		return err
	}
	from := p.From
	if from == "" {
		from = "无 / none"
	}
	fmt.Fprintf(&b, "目录 / catalogue %s → %s\n", from, p.To)
	for _, group := range []struct {
		mark, chinese, english string
		all                    []Change
	}{
		{"!", "新公开：有人将看到以前看不到的", "newly exposed: somebody sees what they did not see before", p.Exposed},
		{"-", "删除", "removed", p.Removed},
		{"+", "兼容的改动", "compatible", p.Compatible},
		{"x", "拒绝：不能这样改已发布的目录", "refused: this must not happen to a published catalogue", p.Refused},
	} {
		if len(group.all) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s / %s (%d)\n", group.chinese, group.english, len(group.all))
		for _, c := range group.all {
			fmt.Fprintf(&b, "  %s %s / %s [%s]\n", group.mark, c.Chinese, c.English, c.File)
		}
	}
	p.writeUnfit(&b)
	b.WriteString("\n生效后 / what happens then\n")
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "  · %s / %s\n", s.Chinese, s.English)
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// writeUnfit writes what the next start would refuse, each with what to do.
func (p *Plan) writeUnfit(b *strings.Builder) {
	if len(p.Unfit) == 0 {
		return
	}
	n := 0
	for _, u := range p.Unfit {
		n += len(u.Faults)
	}
	fmt.Fprintf(b, "\n下次启动会被拒绝：下列各处不合这个目录 / the next start is refused: these do not go with this catalogue (%d)\n", n)
	for _, u := range p.Unfit {
		for _, fault := range u.Faults {
			fmt.Fprintf(b, "  x %s\n", fault)
		}
		fmt.Fprintf(b, "    → %s / %s\n", u.Chinese, u.English)
	}
}
