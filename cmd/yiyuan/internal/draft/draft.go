// Package draft is what `yiyuan source init` does: it has a department's tables looked at, has
// datasets and a source drafted, holds the drafts against the catalogue, and writes them.
//
// Either all files are written or none; none is written over, and none is before what a
// start reads them by has taken them.
package draft

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/dsn"
	"github.com/yiyuan-bus/yiyuan/connectors/probe"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
)

// Options are what the command line says.
type Options struct {
	Kind, Name     string        // of the source
	Catalogue, Out string        // folders
	Department     string        // its id, "" = as the names say
	Request        probe.Request // what is to be looked at
	Dry            bool          // files are printed, and not written
	Report, Page   io.Writer     // what was found; what was written, and what comes next
}

// draft is a source that is being drafted.
type draft struct {
	Options
	cat                  *schemas.Catalogue
	look                 probe.Look
	datasetsIn, sourceIn string // folders
}

// file is one file of a draft.
type file struct{ path, text string }

var sourceName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// Sound refuses what no look is needed for. It never shows the connection string.
func (o *Options) Sound() error {
	var missing []string
	for _, f := range []struct{ name, value string }{{"dsn", o.Request.DSN}, {"catalogue", o.Catalogue}, {"out", o.Out}, {"name", o.Name}} {
		if f.value == "" {
			missing = append(missing, "--"+f.name)
		}
	}
	switch {
	case len(missing) > 0:
		return fmt.Errorf("缺少选项 %[1]s / missing flags: %[1]s", strings.Join(missing, " "))
	case !sourceName.MatchString(o.Name) || len(o.Name) > 40:
		return fmt.Errorf("--name %[1]q 应为小写字母、数字和连字符，如 ga-pg / --name %[1]q: lower-case letters, digits and hyphens, such as ga-pg", o.Name)
	case o.Request.Sample < 0 || o.Request.Sample > 100_000:
		return fmt.Errorf("--sample %[1]d 应在 0 到 100000 之间 / --sample %[1]d: want 0 to 100000", o.Request.Sample)
	case o.Request.Timeout <= 0:
		return fmt.Errorf("--timeout %[1]s 应大于 0 / --timeout %[1]s must be more than 0", o.Request.Timeout)
	case !dsn.Referred(o.Request.DSN) && dsn.HasPassword(o.Request.DSN):
		return errors.New("--dsn 里有口令，别人在进程列表和命令历史里看得到：放进环境变量或文件，写 --dsn env:变量名 或 file:路径 / --dsn holds a password, which others see in the list of processes and the shell's history: put it into a variable or a file and say --dsn env:NAME or file:PATH")
	}
	return nil
}

// Run drafts a source. Its errors carry the code by which the command ends.
func Run(ctx context.Context, o Options) error {
	return (&draft{Options: o}).run(ctx)
}

func (d *draft) run(ctx context.Context) error {
	if err := d.prepare(); err != nil {
		return err
	}
	provider, err := d.provider()
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	seen, err := d.look(ctx, d.Request)
	switch {
	case errors.Is(err, connectors.ErrConfig):
		return exit.With(exit.Usage, err)
	case err != nil:
		return exit.With(exit.Unavailable, err)
	}
	drafts := probe.Draft(d.cat, provider, seen.Tables)
	if err := d.tell(seen, drafts); err != nil {
		return err
	}
	if err := d.refused(seen); err != nil {
		return exit.With(exit.Problems, err)
	}
	files := d.files(seen, drafts)
	if err := there(files); err != nil {
		return exit.With(exit.Usage, err)
	}
	cfg, err := d.check(files)
	if err != nil {
		return exit.With(exit.Problems, err)
	}
	if err := d.examine(ctx, cfg); err != nil {
		return err
	}
	if d.Dry {
		for _, f := range files {
			if _, err := fmt.Fprintf(d.Page, "--- %s\n%s", f.path, f.text); err != nil {
				return err
			}
		}
		return nil
	}
	if err := writeAll(files); err != nil {
		return err
	}
	return d.next(files)
}

// prepare reads the catalogue, and finds where files go.
func (d *draft) prepare() error {
	files, err := wiring.CatalogueFiles(d.Catalogue)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	if d.cat, err = manifest.Load(files); err != nil {
		return exit.With(exit.Problems, fmt.Errorf("目录有误，先按 yiyuan check --catalogue %[1]s 改正 / the catalogue is not sound: first mend what yiyuan check --catalogue %[1]s says: %[2]w", d.Catalogue, err))
	}
	probes := wiring.Probes(d.cat)
	if d.look = probes[d.Kind]; d.look == nil {
		return exit.With(exit.Usage, fmt.Errorf("这一种不能探查：%[1]q，可用：%[2]s / kind %[1]q cannot be probed, known: %[2]s", d.Kind, strings.Join(slices.Sorted(maps.Keys(probes)), " ")))
	}
	within := "catalogue"
	switch rel, err := relative(d.Out, d.Catalogue); {
	case err == nil && rel == ".":
		return exit.With(exit.Usage, errors.New("--out 是目录文件夹本身，数据源文件放不进去：写它上一层的城市文件夹，或一个新文件夹 / --out is the catalogue's folder itself, which takes no files of sources: name the city's folder above it, or a new one"))
	case err == nil && filepath.IsLocal(rel):
		within = rel
	}
	d.datasetsIn, d.sourceIn = filepath.Join(d.Out, within, "datasets"), filepath.Join(d.Out, "sources")
	return nil
}

// relative is the path of a folder from another, both from where we stand.
func relative(from, to string) (string, error) {
	a, err := filepath.Abs(from)
	if err != nil {
		return "", err
	}
	b, err := filepath.Abs(to)
	if err != nil {
		return "", err
	}
	return filepath.Rel(a, b)
}

// provider is the department: as it is said, or as the names say.
func (d *draft) provider() (*schemas.Department, error) {
	var known []string
	for _, p := range d.cat.Departments {
		known = append(known, p.ID)
	}
	if d.Department != "" {
		p, err := d.cat.Department(d.Department)
		if err != nil {
			return nil, fmt.Errorf("--department：没有部门 %[1]q，可用：%[2]s / --department: unknown department %[1]q, known: %[2]s", d.Department, strings.Join(known, " "))
		}
		return p, nil
	}
	guesses := []string{first(d.Name, "-")}
	for _, t := range d.Request.Tables {
		guesses = append(guesses, first(t, "."))
	}
	for _, guess := range guesses {
		for _, p := range d.cat.Departments {
			if strings.EqualFold(p.ID, guess) || len(d.cat.Departments) == 1 {
				return p, nil
			}
		}
	}
	return nil, fmt.Errorf("看不出是哪个部门：用 --department 指明，可用：%[1]s / which department is it? Say --department, known: %[1]s", strings.Join(known, " "))
}

func first(text, sep string) string {
	head, _, _ := strings.Cut(text, sep)
	return head
}

// tell says what was seen of each table.
func (d *draft) tell(seen probe.Seen, drafts []*probe.Dataset) error {
	var b strings.Builder
	of := map[*probe.Table]*probe.Dataset{}
	for _, draft := range drafts {
		of[draft.Table] = draft
	}
	for _, n := range seen.Notes {
		fmt.Fprintf(&b, "! %s\n", n)
	}
	for _, t := range seen.Tables {
		name := probe.Plain(t.Full(), 140)
		if draft := of[t]; draft != nil {
			known, unknown, left := draft.Counts()
			fmt.Fprintf(&b, "✓ %s → %s：%s，看了 %d 行；认出 %d 列，不认识 %d 列，不接入 %d 列 / %s, %d rows looked at; %d columns recognised, %d not, %d not taken\n",
				name, draft.ID, about(t.Rows, "约 %d 行", "行数不知"), t.Sampled, known, unknown, left, about(t.Rows, "about %d rows", "rows not known"), t.Sampled, known, unknown, left)
			if t.Unsampled.Chinese != "" {
				fmt.Fprintf(&b, "  ! %s\n", t.Unsampled)
			}
		}
		for _, n := range t.Notes {
			fmt.Fprintf(&b, "  ! %s\n", n)
		}
		for _, r := range t.Refused {
			fmt.Fprintf(&b, "✗ %s：%s\n", name, r)
		}
	}
	_, err := io.WriteString(d.Report, b.String())
	return err
}

func about(n int64, some, none string) string {
	if n < 0 {
		return none
	}
	return fmt.Sprintf(some, n)
}

// refused fails if a table was refused, with what the command is without those.
func (d *draft) refused(seen probe.Seen) error {
	var good []string
	refused := 0
	for _, t := range seen.Tables {
		if len(t.Refused) > 0 {
			refused++
		} else {
			good = append(good, "--table "+shell(t.Full()))
		}
	}
	if refused == 0 {
		return nil
	}
	do := "先按上面所说处理 / first do as is said above"
	if len(good) > 0 {
		do = "先按上面所说处理，或只接入其余的：" + strings.Join(good, " ") + " / first do as is said above, or take the others alone, by these flags"
	}
	return fmt.Errorf("%d 张表被拒绝，什么都没有写；%s (%d refused, nothing was written)", refused, do, refused)
}

// shell quotes a word for a shell, where that is needed.
func shell(s string) string {
	if regexp.MustCompile(`^[A-Za-z0-9_./-]+$`).MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// files are what the draft consists of.
func (d *draft) files(seen probe.Seen, drafts []*probe.Dataset) (files []file) {
	for _, draft := range drafts {
		files = append(files, file{filepath.Join(d.datasetsIn, draft.ID+".yaml"), d.schema("dataset", d.datasetsIn) + draft.Text()})
	}
	return append(files, file{filepath.Join(d.sourceIn, d.Name+".yaml"), d.schema("source", d.sourceIn) + seen.Source(d.Name, d.reference(), drafts)})
}

// schema is the line by which an editor finds the JSON Schema of a file, where a city has them.
func (d *draft) schema(of, folder string) string {
	there := filepath.Join(d.Out, ".schema", of+".schema.json")
	path, err := relative(folder, there)
	if _, missing := os.Stat(there); err != nil || missing != nil {
		return ""
	}
	return "# yaml-language-server: $schema=" + filepath.ToSlash(path) + "\n"
}

// reference is what the source's file says of the connection string, which itself is never
// written. A relative path would be one from wherever the process is started.
func (d *draft) reference() string {
	if path, is := strings.CutPrefix(d.Request.DSN, "file:"); is {
		if whole, err := filepath.Abs(path); err == nil {
			return "file:" + whole
		}
	}
	if dsn.Referred(d.Request.DSN) {
		return d.Request.DSN
	}
	return "env:" + d.variable()
}

func (d *draft) variable() string {
	return strings.ToUpper(strings.ReplaceAll(d.Name, "-", "_")) + "_DSN"
}

// there refuses files that are there already, each by its name.
func there(files []file) error {
	var names []string
	for _, f := range files {
		if _, err := os.Lstat(f.path); err == nil {
			names = append(names, f.path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("文件看不了 / look for a file: %w", err)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("已有这些文件，不覆盖，什么都没有写：%[1]s。换一个 --name 或 --out，或先移走 / these files are there already and are not overwritten, nothing was written: %[1]s. Choose another --name or --out, or move them away", strings.Join(names, "、"))
}

// check holds the draft against the catalogue in a folder of its own, by what `yiyuan check`
// and a start read it by, and returns the source.
func (d *draft) check(files []file) (cfg connectors.Config, err error) {
	dir, err := os.MkdirTemp("", "yiyuan-draft-")
	if err != nil {
		return cfg, fmt.Errorf("临时文件夹建不了 / make a folder to check in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	city, sources := filepath.Join(dir, "catalogue"), filepath.Join(dir, "sources")
	if err := copyCatalogue(os.DirFS(d.Catalogue), city); err != nil {
		return cfg, fmt.Errorf("目录复制不了 / copy the catalogue: %w", err)
	}
	for i, f := range files {
		to := filepath.Join(city, "datasets", filepath.Base(f.path))
		if i == len(files)-1 {
			to = filepath.Join(sources, filepath.Base(f.path))
		}
		if err := write(file{to, f.text}); err != nil {
			return cfg, err
		}
	}
	cat, err := manifest.Load(os.DirFS(city))
	if err == nil {
		err = wiring.Compile(cat)
	}
	if err != nil {
		return cfg, fmt.Errorf("草稿没有通过检查，什么都没有写 / the draft does not pass the check, nothing was written: %w", err)
	}
	cfgs, err := wiring.Bindings(sources, cat)
	if err != nil {
		return cfg, fmt.Errorf("草稿没有通过检查，什么都没有写 / the draft does not pass the check, nothing was written: %w", err)
	}
	return cfgs[0], nil
}

// copyCatalogue copies what of a folder is read as a catalogue, whatever links lead to it.
func copyCatalogue(files fs.FS, to string) error {
	return fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && name != "." && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		case e.IsDir() || filepath.Ext(name) != ".yaml":
			return nil
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return write(file{filepath.Join(to, filepath.FromSlash(name)), string(text)})
	})
}

// examine says what `yiyuan doctor` would of the source.
func (d *draft) examine(ctx context.Context, cfg connectors.Config) error {
	kind, err := wiring.EveryKind().Find(d.Kind)
	if err != nil || kind.Examine == nil {
		return err
	}
	cfg.Options["dsn"] = d.Request.DSN
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	found, err := kind.Examine(ctx, cfg, false)
	if err != nil {
		found.Found = []connectors.Finding{{Grade: connectors.Warning, What: "数据库的准备情况没有看到 / how the database is prepared was not seen: " + err.Error(), Do: "yiyuan doctor"}}
	}
	marks := map[connectors.Grade]string{connectors.Fine: "✓", connectors.Warning: "!", connectors.Problem: "✗"}
	for _, f := range found.Found {
		text := marks[f.Grade] + " " + f.What + "\n"
		if f.Do != "" {
			text += "  → " + f.Do + "\n"
		}
		if _, err := io.WriteString(d.Report, text); err != nil {
			return err
		}
	}
	return nil
}

// writeAll writes all files, or none.
func writeAll(files []file) error {
	for i, f := range files {
		if err := write(f); err != nil {
			for _, written := range files[:i] {
				err = errors.Join(err, os.Remove(written.path))
			}
			return fmt.Errorf("写不了，写了的已收回 / write, what was written is taken back: %w", err)
		}
	}
	return nil
}

// write writes one file that is not there yet.
func write(f file) error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil { //nolint:gosec // a catalogue is for everybody, and no secret is in it
		return fmt.Errorf("文件夹建不了 / make folder: %w", err)
	}
	to, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // as above
	if err != nil {
		return fmt.Errorf("文件建不了 / make file: %w", err)
	}
	_, err = to.WriteString(f.text)
	if err = errors.Join(err, to.Close()); err != nil {
		return errors.Join(fmt.Errorf("文件写不了 / write file: %w", err), os.Remove(f.path))
	}
	return nil
}

// next says what was written, and what comes next.
func (d *draft) next(files []file) error {
	var b strings.Builder
	b.WriteString("已写 / written:\n")
	for _, f := range files {
		fmt.Fprintf(&b, "  %s\n", f.path)
	}
	b.WriteString("\n接下来 / next:\n  1. 逐行看这些文件，改好 / look at each line of these files, and edit them\n")
	if !dsn.Referred(d.Request.DSN) {
		fmt.Fprintf(&b, "     连接串没有写进文件，放进环境变量 %[1]s / the connection string is in no file: put it into the variable %[1]s\n", d.variable())
	}
	configured := filepath.Join(d.Out, "yiyuan.yaml")
	if _, err := os.Stat(configured); err == nil {
		fmt.Fprintf(&b, "  2. yiyuan check %s\n", shell(d.Out))
		fmt.Fprintf(&b, "  3. cd %s && yiyuan plan --config yiyuan.yaml     # 谁会多看到什么 / who would see more\n", shell(d.Out))
		b.WriteString("  4. yiyuan apply --config yiyuan.yaml    # 然后重启，yiyuan doctor / then restart, yiyuan doctor\n")
	} else {
		catalogue, sources := filepath.Dir(d.datasetsIn), d.sourceIn
		if rel, err := relative(catalogue, d.Catalogue); err != nil || rel != "." {
			fmt.Fprintf(&b, "     再移进城市的目录 %s 和 sources/ / then move them into the city's catalogue and its sources/\n", d.Catalogue)
			catalogue, sources = d.Catalogue, "sources"
		}
		fmt.Fprintf(&b, "  2. yiyuan check --catalogue %s --sources %s\n", shell(catalogue), shell(sources))
		b.WriteString("  3. yiyuan plan --config yiyuan.yaml     # 谁会多看到什么 / who would see more\n")
		b.WriteString("  4. yiyuan apply --config yiyuan.yaml    # 然后重启，yiyuan doctor / then restart, yiyuan doctor\n")
	}
	_, err := io.WriteString(d.Page, b.String())
	return err
}
