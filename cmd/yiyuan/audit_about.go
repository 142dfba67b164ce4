package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// unjudged are the entries of a view of which --about cannot tell whether they are about
// whom is asked for.
type unjudged struct {
	view.Blind
	entries, answered int
}

// whom reads the number or key asked about and keeps what the audit keeps of it alone.
func (a *auditing) whom(in io.Reader) error {
	cfg, err := settings.Load(a.file)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	cat, err := wiring.Catalogue(cfg.Catalogue)
	if err != nil {
		return err
	}
	if !owns(cat, a.about) {
		var known []string
		for _, e := range cat.Entities {
			known = append(known, e.ID)
		}
		for _, d := range cat.Datasets {
			known = append(known, d.ID)
		}
		return exit.With(exit.NotFound, fmt.Errorf("目录中没有主体或数据集 %[1]q；可用：%[2]s / the catalogue has no entity or dataset %[1]q. Known: %[2]s", a.about, strings.Join(known, " ")))
	}
	if cfg.Keys.File == "" {
		return exit.With(exit.Usage, errors.New("--about 须有密钥文件（keys.file，--config） / --about needs the key file (keys.file, --config)"))
	}
	keys, err := keyring.Load(cfg.Keys.File)
	if err != nil {
		return err
	}
	given := bufio.NewReader(io.LimitReader(in, 4096))
	line, err := given.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("读标准输入 / read standard input: %w", err)
	}
	if more, _ := io.ReadAll(given); len(bytes.TrimSpace(more)) > 0 { // what cannot be read is no second number
		return exit.With(exit.Usage, errors.New("标准输入只取一行一个号码，这里不止一行：一次查一个 / standard input holds one number on one line, here is more: ask about one at a time"))
	}
	if a.trail, err = view.Follow(cat, keys, a.about, strings.TrimSpace(line)); errors.Is(err, view.ErrKey) {
		return exit.With(exit.Usage, fmt.Errorf("标准输入的第一行不是 %[1]s 的号码或主键 / the first line of standard input is no number or key of %[1]s", a.about))
	}
	return err
}

// owns reports whether the catalogue has an entity or a dataset of that name.
func owns(cat *schemas.Catalogue, owner string) bool {
	_, entity := cat.Entity(owner)
	_, dataset := cat.Dataset(owner)
	return entity == nil || dataset == nil
}

// follows reports whether an entry is about whom is asked for, and counts it where that
// cannot be told.
func (a *auditing) follows(e *audit.Entry) bool {
	if a.trail == nil || slices.ContainsFunc(e.Subjects, func(s audit.Subject) bool { return a.trail.Finds(e.View, s.Digest) }) {
		return true
	}
	name, answered := e.View, e.Rows > 0
	each := len(e.Subjects)
	if e.Operation == "batch" {
		each = 0 // of how many keys it does not say
	}
	blind, ok := a.trail.Blind(e.View, e.Fields, each)
	if e.View == "" && (e.Operation == "findings" || e.Operation == "finding") {
		name, answered, ok = "/v1/findings", e.Status == http.StatusOK, true
	}
	if !ok {
		return false
	}
	one := a.unjudged[name]
	one.Blind = blind
	one.entries++
	if e.Decision == audit.Allow && answered {
		one.answered++
	}
	if a.unjudged == nil {
		a.unjudged = map[string]unjudged{}
	}
	a.unjudged[name] = one
	return false
}

// tellUnjudged says which entries --about could not judge, and how they are seen.
func (a *auditing) tellUnjudged(talk io.Writer) error {
	if len(a.unjudged) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("审计只记按什么查，不记查到了谁，所以下列查询可能也与此有关，但判断不了，没有列出：\n" +
		"The audit keeps what was asked by, not who was found, so these may be about the same and cannot be told; they are not listed:\n")
	for _, name := range slices.Sorted(maps.Keys(a.unjudged)) {
		u := a.unjudged[name]
		chinese, english := why(&u.Blind)
		fmt.Fprintf(&b, "  %[1]s：%[2]d 条（%[3]d 条有回答），%[4]s / %[2]d entries (%[3]d answered): %[5]s\n", name, u.entries, u.answered, chinese, english)
	}
	b.WriteString("→ 逐条看用 --view 视图；知道那一行的主键，用 --about 数据集，主键从标准输入读 / --view VIEW lists them; with the key of the row, --about DATASET, the key from standard input\n")
	_, err := io.WriteString(talk, b.String())
	return err
}

func why(b *view.Blind) (chinese, english string) {
	by := strings.Join(b.By, " ")
	switch b.Way {
	case view.OtherKey:
		return fmt.Sprintf("按 %s 记，行里另有 %s", b.Key, by), fmt.Sprintf("kept by %s, its rows hold %s", b.Key, by)
	case view.Others:
		return fmt.Sprintf("按 %s 记，还给出 %s", b.Key, by), fmt.Sprintf("kept by %s, it shows %s beside", b.Key, by)
	case view.MadeOf:
		return fmt.Sprintf("按 %s 记，内容出自 %s", b.Key, by), fmt.Sprintf("kept by %s, made of %s", b.Key, by)
	case view.Gone:
		return "现在的目录没有这个视图", "the catalogue has no such view now"
	}
	return "监督方看核验结果，不按号码", "supervisors read findings, by no number"
}
