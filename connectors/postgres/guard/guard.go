// Package guard holds a PostgreSQL database against what was true when reading began.
//
// The facts are asked in one statement (Look), held against what they were by one list of
// guards, each with its kind, what its change means and what is said of it, and kept in the
// position as far as a change that was taken back has to be noticed after a restart.
package guard

import (
	"crypto/md5" //nolint:gosec // only to tell names apart, as the server does
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pglogrepl"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// fate is what it means that a fact is no longer what it was.
type fate int

const (
	lost    fate = iota // changes may have been swallowed: only a re-read mends it
	waiting             // nothing was swallowed: the source goes on when it is mended
)

// Stand is where reading stands, against which some facts are held.
type Stand struct {
	Ground
	Reached pglogrepl.LSN // what has been read at least
	Allowed pglogrepl.LSN // what the server was told at most
	Backend *string       // the server's process that sends the log, "" = not seen yet; nil: nothing is sent
}

// guard watches one kind of fact. To watch another: its row in the query of
// look, its line in guards.
type guard struct {
	kind string
	fate fate
	// kept facts are remembered in the position, so that what was changed, and
	// what was changed and changed back, is noticed also after a restart.
	kept bool
	// holds says whether what is seen will do; nil: it is what it was, or, where
	// grows is not nil, what that lets it become. What is seen stands for it from then on.
	holds func(s *Stand, table, seen string) bool
	grows func(s *Stand, table, was, seen string) bool
	// What is said, %q being the table's or the publication's name.
	zh, en string
}

// guards in the order in which they are told: what a person did before what it
// shows in.
//
// The server decodes every change with the publication as it was when the change
// was made. An operation, filter or column list that was in force for a moment
// therefore loses changes for good, and looking once a second would miss it. So
// the versions of the catalogue's rows (their oid and xmin, which outlives
// freezing) are facts too: they differ after any change, also one that was taken
// back. Of a published schema the row that ties the table to it counts as well.
var guards = []guard{
	{kind: "system", zh: "数据库已不是原来的集群", en: "the database is another cluster"},
	{kind: "standby", fate: waiting, holds: no, zh: "数据库成了备库，不能从它读取变更；连到主库即自行继续", en: "the database is a standby, from which changes cannot be read: connect to the primary"},
	{kind: "timeline", zh: "数据库被恢复或切换过（时间线变了）", en: "the database was restored or failed over (another timeline)"},
	{kind: "end", holds: reachesUs, zh: "数据库日志的末端在已读位置之前：它是从较早的备份恢复的", en: "the database's log ends before what was read: it was put back from an earlier copy"},
	{kind: "slot", holds: yes, zh: "复制槽 %q 已不存在", en: "slot %q is gone"},
	{kind: "slot.ours", holds: yes, zh: "复制槽 %q 不是本数据源的", en: "slot %q is not the slot of this source"},
	{kind: "slot.kept", holds: yes, zh: "复制槽 %q 所需的日志已被数据库删除", en: "the server removed the log that slot %q needs"},
	{kind: "slot.confirmed", holds: notAhead, zh: "复制槽 %q 越过了已存位置：别的程序读过它，或它被重建过", en: "slot %q is ahead of the stored position: something else read it, or it was made again"},
	{kind: "publication", holds: yes, zh: "发布 %q 被删除", en: "publication %q was dropped"},
	{kind: "publication.operations", kept: true, zh: "发布 %q 的操作清单（publish）被改", en: "the operations (publish) of publication %q were changed"},
	{kind: "publication.all", kept: true, zh: "发布 %q 改了是否包含全部表", en: "publication %q was changed between all tables and some"},
	{kind: "publication.root", kept: true, zh: "发布 %q 改了是否按分区根表发送", en: "publish_via_partition_root of publication %q was changed"},
	{kind: "table", kept: true, zh: "表 %q 被删除、换掉或重建", en: "table %q was dropped, replaced or made again"},
	{kind: "table.name", fate: waiting, holds: yes, zh: "表 %q 被改名；改回原名即自行继续", en: "table %q was renamed: give it its name back"},
	{kind: "table.logged", holds: yes, zh: "表 %q 成了不记日志的表（UNLOGGED）", en: "table %q became one without log (UNLOGGED)"},
	{kind: "table.alone", fate: waiting, holds: yes, zh: "表 %q 有继承它的子表（INHERITS），子表的行读不到；把子表也列入本数据源，或解除继承", en: "table %q has children that inherit from it, whose rows are not read: list them in this source too, or end the inheritance"},
	{kind: "table.leaves", kept: true, grows: sameLeaves, zh: "表 %q 的分区被挂入、拆下、删除、清空或重写过（数据库不为此发送行）", en: "a partition of table %q was attached, detached, dropped, emptied or rewritten, for which the server sends no rows"},
	{kind: "table.columns", kept: true, grows: sameColumns, zh: "表 %q 的列被删除后重建过", en: "a column of table %q was dropped and made again"},
	{kind: "table.content", kept: true, grows: sameContent, zh: "表 %q 被整表重写过（如 ALTER COLUMN … TYPE … USING），数据库不为此发送行", en: "table %q was rewritten as by ALTER COLUMN … TYPE … USING, for which the server sends no rows"},
	{kind: "entry", holds: yes, zh: "发布里不再有表 %q", en: "the publication no longer holds table %q"},
	{kind: "entry.filter", kept: true, zh: "发布对表 %q 的行过滤被改", en: "the publication's row filter on table %q was changed"},
	{kind: "entry.columns", kept: true, zh: "发布对表 %q 的列清单被改", en: "the publication's column list of table %q was changed"},
	{kind: "publication.owner", kept: true, zh: "发布 %q 换了属主", en: "the owner of publication %q was changed"},
	{kind: "publication.version", kept: true, zh: "发布 %q 被改过又改回，或被重建", en: "publication %q was changed and changed back, or made again"},
	{kind: "entry.version", kept: true, zh: "表 %q 在发布中被移出又加回，或其过滤、列清单改过又改回", en: "table %q was taken out of the publication and put back, or its filter or columns were changed and changed back"},
	{kind: "table.identity", fate: waiting, holds: identifies, zh: "表 %q 的复制标识（REPLICA IDENTITY）不再含其主键列；改回即自行继续", en: "the replica identity of table %q no longer holds its key: set it back"},
	{kind: "entry.covers", fate: waiting, holds: yes, zh: "表 %q 的复制标识（REPLICA IDENTITY）超出发布所列的列，部门自己的 UPDATE、DELETE 因此报错；改回即自行继续", en: "the replica identity of table %q has columns that the publication does not list, so that the department's own UPDATE and DELETE fail: set it back"},
	{kind: "table.hidden", fate: waiting, holds: readable, zh: "读取表 %q（或其所映射的列）的权限被收回；重新 GRANT SELECT 即自行继续", en: "the right to read table %q, or its mapped columns, was taken away: grant SELECT again"},
	{kind: "table.visible", fate: waiting, holds: yes, zh: "表 %q 对本角色启用了行级安全，只看得见部分行；给角色 BYPASSRLS 即自行继续", en: "table %q shows this role only some rows (row level security): give the role BYPASSRLS"},
	{kind: "slot.active", fate: waiting, holds: activeByUs, zh: "复制槽 %q 已不由本数据源的连接读取", en: "slot %q is no longer read by the connection of this source"},
}

func yes(_ *Stand, _, seen string) bool { return seen == "true" }

func no(_ *Stand, _, seen string) bool { return seen == "false" }

// readable: every mapped column may be read. Without first rows nothing is read from the
// tables but what the log leaves out.
func readable(s *Stand, name, hidden string) bool {
	if !s.Snapshot || hidden == "" {
		return true
	}
	columns := strings.Split(hidden, ",")
	return !slices.ContainsFunc(s.Tables[name].Columns, func(c string) bool { return slices.Contains(columns, digest(c)) })
}

// reachesUs: the server never tells us of log that it has not written.
func reachesUs(s *Stand, _, seen string) bool {
	return place(seen) >= s.Reached
}

func notAhead(s *Stand, _, seen string) bool {
	return place(seen) <= s.Allowed
}

func identifies(s *Stand, name, seen string) bool {
	t, ours := s.Tables[name]
	return !ours || t.identified(seen)
}

// activeByUs: whoever reads the slot when it is first looked at is we, since the
// server gives a slot to one at a time.
func activeByUs(s *Stand, _, seen string) bool {
	if s.Backend == nil {
		return true
	}
	if *s.Backend == "" {
		*s.Backend = seen
	}
	return seen != "" && seen == *s.Backend
}

// identified says whether a replica identity, as look tells it, holds the key.
func (t Table) identified(identity string) bool {
	if identity == "*" || len(t.Columns) == 0 {
		return true
	}
	for leaf := range strings.SplitSeq(identity, "\x02") { // the table itself, then its partitions
		covered := strings.Split(leaf, "\x01")
		for _, k := range t.Key {
			if leaf != "*" && !slices.Contains(covered, k) {
				return false
			}
		}
	}
	return true
}

// sameLeaves: a partition is there as it was, in the same file, and a new one was
// born as one, so that all its rows came through the log. Of a file that changed
// nobody can tell whether it was emptied or, as by VACUUM FULL, only written anew.
func sameLeaves(_ *Stand, _, was, seen string) bool {
	type leaf struct{ file, born string }
	read := func(text string) map[string]leaf { // by oid
		out := map[string]leaf{}
		for one := range strings.FieldsFuncSeq(text, comma) {
			oid, told, _ := strings.Cut(one, "/")
			file, born, _ := strings.Cut(told, "=")
			out[oid] = leaf{file, born}
		}
		return out
	}
	before, now := read(was), read(seen)
	for oid, had := range before {
		if now[oid].file != had.file {
			return false
		}
	}
	for oid, is := range now {
		if _, had := before[oid]; !had && is.born != "true" {
			return false
		}
	}
	return true
}

func comma(c rune) bool { return c == ',' }

// sameColumns: a mapped column has the number it had. Others may come and go.
func sameColumns(s *Stand, name, was, seen string) bool { return s.Tables[name].same(was, seen) }

// sameContent: a rewrite that changes rows gives the table another file and changes
// the entry of a column. TRUNCATE, which comes through the log, VACUUM FULL and
// CLUSTER give it a file only; what leaves the rows alone changes an entry only.
func sameContent(s *Stand, name, was, seen string) bool {
	oldFile, oldColumns, _ := strings.Cut(was, ";")
	file, columns, _ := strings.Cut(seen, ";")
	return oldFile == file || s.Tables[name].same(oldColumns, columns)
}

// same compares what is told of mapped columns: "told name,…", with names as
// digests, since nothing that stands in a table should stand in a position.
func (t Table) same(was, seen string) bool {
	read := func(text string) map[string]string {
		out := map[string]string{}
		for one := range strings.FieldsFuncSeq(text, comma) {
			told, column, _ := strings.Cut(one, " ")
			out[column] = told
		}
		return out
	}
	before, now := read(was), read(seen)
	for _, c := range t.Columns {
		column := digest(c)
		b, had := before[column]
		if n, has := now[column]; had && has && b != n {
			return false
		}
	}
	return true
}

// digest is a column's name as the server tells it, who is asked for no name.
func digest(column string) string {
	sum := md5.Sum([]byte(column)) //nolint:gosec // only to tell names apart, as the server does
	return hex.EncodeToString(sum[:6])
}

// Hold compares what is seen with what was. Of several differences one that
// loses changes is told first: nobody should mend the others in vain.
func (s *Stand) Hold(want, seen Facts) error {
	var first error
	for _, g := range guards {
		for _, subject := range slices.Sorted(maps.Keys(want[g.kind])) {
			if g.stands(s, subject, want[g.kind][subject], seen[g.kind][subject]) {
				continue
			}
			if g.fate == lost {
				return s.Lost(g.said(s, subject))
			}
			if first == nil {
				zh, en := g.said(s, subject)
				first = fmt.Errorf("%s（没有丢失变更） / %s (nothing is lost): %w", zh, en, connectors.ErrWaiting)
			}
		}
	}
	return first
}

// TakeUp has what facts have grown to stand for them, and reports whether any has.
func (s *Stand) TakeUp(want, seen Facts) (grown bool) {
	for _, g := range guards {
		for subject, was := range want[g.kind] {
			if is := seen[g.kind][subject]; g.grows != nil && is != was && g.grows(s, subject, was, is) {
				want[g.kind][subject], grown = is, true
			}
		}
	}
	return grown
}

func (g *guard) stands(s *Stand, subject, want, seen string) bool {
	if g.holds != nil {
		return g.holds(s, subject, seen)
	}
	return want == seen || g.grows != nil && g.grows(s, subject, want, seen)
}

func (g *guard) said(s *Stand, subject string) (zh, en string) {
	switch {
	case subject != "":
	case strings.HasPrefix(g.kind, "publication"):
		subject = s.Publication
	case strings.HasPrefix(g.kind, "slot"):
		subject = s.Slot
	default:
		return g.zh, g.en
	}
	return fmt.Sprintf(g.zh, subject), fmt.Sprintf(g.en, subject)
}

// Kept are the facts that a position carries.
func (f Facts) Kept() json.RawMessage {
	out := Facts{}
	for _, g := range guards {
		if g.kept && len(f[g.kind]) > 0 {
			out[g.kind] = f[g.kind]
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		panic(err) // text always marshals
	}
	return b
}
