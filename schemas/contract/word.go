package contract

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Silence is after how long without a word a source that should be working is
// called silent. An idle one says something every two seconds.
const Silence = 20 * time.Second

// Word is how a source does: one word, why, and what a person does about it.
// Why and Do are "中文 / English", "" if there is nothing to say.
type Word struct {
	State string
	Why   string
	Do    string
}

// Known is what whoever asks knows beside the status itself.
type Known struct {
	// Age is how long ago the status was written, by a clock that has seen both
	// moments: the broker's, or the time since it was received. Never the
	// difference of two machines' clocks.
	Age time.Duration
	// Here says that this process runs the source; Failure is then why its last
	// attempt ended, "" while it works, and Restarts how many attempts failed since
	// it last published something.
	Here     bool
	Failure  string
	Restarts int
}

// ResyncCommand is the one command that reads a source again from the beginning.
func ResyncCommand(name string) string { return "yiyuan source resync " + name }

// Word says how the source of that name does. Everybody who tells a source's
// state takes it from here, so that none calls running what stands still.
func (s SourceStatus) Word(name string, k Known) Word {
	if s.State == StateWaiting {
		s.Do = cmp.Or(s.Do, "会自行继续；久等不动则看原因 / it goes on by itself; if it does not, see the reason")
	}
	switch {
	case s.State == StateRetired:
		return Word{State: StateRetired}
	case s.Stop:
		return Word{StateStopped, stopped(s.StoppedAt), "yiyuan source start " + name}
	case s.Lost != "" && (s.Resync == nil || s.Resync.Step == ResyncReading):
		return Word{StateFailed, s.Lost, s.Do}
	case k.Here && k.Failure != "" && s.State == StateWaiting:
		return Word{StateWaiting, k.Failure, s.Do}
	case k.Here && k.Failure != "":
		return failing(k.Failure, s.Do, k.Restarts)
	case s.State == StateFailed:
		return failing(s.Error, s.Do, s.Restarts)
	case s.State == StateStopped:
		return Word{StateStopped, "运行它的进程已停 / the process that ran it has ended", "yiyuan run --role connectors"}
	case k.Age > Silence:
		return silent(s, k)
	case s.State == "":
		return Word{State: StateStarting}
	case s.State == StateHeld:
		return Word{StateHeld, s.Error, cmp.Or(s.Do, "按原因处理，随后自行继续 / do as the reason says, it then goes on by itself")}
	case s.Resync != nil && s.State != StateWaiting:
		return Word{StateResync, s.Resync.progress(), ""}
	}
	return s.beside(Word{s.State, s.Error, s.Do}, name)
}

// stopped says that a person has stopped it, and when. Who is for operators alone.
func stopped(at int64) string {
	if at == 0 {
		return "由人停下 / a person has stopped it"
	}
	when := time.UnixMilli(at).Format("2006-01-02 15:04:05 -07:00")
	return fmt.Sprintf("由人于 %s 停下 / a person has stopped it at %s", when, when)
}

func failing(why, do string, restarts int) Word {
	if restarts > 0 {
		zh, en, ok := strings.Cut(why, " / ")
		if ok {
			en += ", "
		}
		why = fmt.Sprintf("%s（已自行重试 %d 次） / %stried again %d times by itself", zh, restarts, en, restarts)
	}
	if do == "" {
		do = "按原因处理，会自行重试 / mend the cause, it tries again by itself"
	}
	return Word{StateFailed, why, do}
}

// silent is a source that said it works, and then nothing more.
func silent(s SourceStatus, k Known) Word {
	since := int(k.Age.Seconds())
	why := fmt.Sprintf("已 %d 秒没有消息，最后一次说的是 %s / not heard for %d s, it last said %s", since, s.State, since, s.State)
	if k.Here {
		return Word{StateSilent, why, "本进程写不进 Kafka，看日志；运行 yiyuan doctor / this process cannot write to Kafka, see its log and yiyuan doctor"}
	}
	return Word{StateSilent, why, "运行它的进程已退出，或连不上 Kafka / its process has ended or cannot reach Kafka: yiyuan run --role connectors"}
}

func (r *Resync) progress() string {
	switch r.Step {
	case ResyncAsked:
		return "即将从头重读 / about to be read again from the beginning"
	case ResyncDeleting:
		return fmt.Sprintf("已重读 %d 行，正在删除 %d 行中的第 %d 行 / %d rows read again, %d of %d rows deleted", r.Rows, r.Found, r.Deleted, r.Rows, r.Deleted, r.Found)
	}
	return fmt.Sprintf("正在从头重读，已读 %d 行 / read again from the beginning, %d rows so far", r.Rows, r.Rows)
}

// Progress says how far it has come, and Do what a person does about it, "" if nothing.
func (b Backfill) Progress(source string, now time.Time) (why, do string) {
	name := fmt.Sprintf("#%d %s", b.ID, b.Table)
	if b.From != "" || b.To != "" {
		name += "（一段 / a range）"
	}
	switch b.Step {
	case BackfillAsked:
		why = fmt.Sprintf("补读 %s：即将开始 / backfill %s: about to begin", name, name)
	case BackfillDeleting:
		why = fmt.Sprintf("补读 %s：已读 %d 行，正在删除没有再来的行 / backfill %s: %d rows read, deleting what did not come again", name, b.Rows, name, b.Rows)
	case BackfillHeld:
		return fmt.Sprintf("补读 %s：有 %d 行没有再来，删除前等待确认，其余照常 / backfill %s: %d rows did not come again; it waits for an answer before it deletes them, all else goes on", name, b.Found, name, b.Found),
			fmt.Sprintf("%s --backfill %d --accept-deletes %d", ResyncCommand(source), b.ID, b.Found)
	default:
		zh, en := fmt.Sprintf("已读 %d 行", b.Rows), fmt.Sprintf("%d rows read", b.Rows)
		if b.About > 0 {
			share := min(b.Rows*100/b.About, 99)
			zh, en = fmt.Sprintf("%s，约 %d%%", zh, share), fmt.Sprintf("%s, about %d%%", en, share)
		}
		if left := b.Left(now); left > 0 {
			left = max(left.Round(time.Minute), time.Minute)
			zh, en = fmt.Sprintf("%s，约剩 %d 分", zh, int(left.Minutes())), fmt.Sprintf("%s, about %d min left", en, int(left.Minutes()))
		}
		why = fmt.Sprintf("补读 %s：%s / backfill %s: %s", name, zh, name, en)
	}
	return also(why, b.Why), ""
}

// beside adds to the word of a source that goes on the backfills that wait for a person.
func (s SourceStatus) beside(w Word, name string) Word {
	for _, b := range s.Backfills {
		if why, do := b.Progress(name, time.Now()); do != "" {
			w.Why, w.Do = also(w.Why, why), cmp.Or(w.Do, do)
		}
	}
	return w
}

// also joins two texts, both "中文 / English".
func also(text, more string) string {
	if text == "" || more == "" {
		return cmp.Or(text, more)
	}
	zh, en := problem.Halves(text)
	moreZH, moreEN := problem.Halves(more)
	return zh + "；" + moreZH + " / " + en + "; " + moreEN
}
