package contract

import (
	"cmp"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Backfill is an order to read a table of a source, or a range of its keys, again beside its
// stream, and how far that has come. What the department has no more of it is deleted at its end.
type Backfill struct {
	ID      int64  `json:"id"` // rises in the life of a source
	Dataset string `json:"dataset"`
	Table   string `json:"table"` // as the source's kind names it
	// From and To are the first and the last key of the range, sealed under the city's keys as
	// positions are; "" = open.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Window is the time of day in which rows are read, HH:MM-HH:MM by the clock of the process
	// that runs the source, "" = always; Rate the most rows a second, 0 = as fast as they come.
	Window string `json:"window,omitempty"`
	Rate   int    `json:"rate,omitempty"`
	By     string `json:"by,omitempty"` // who asked for it, as the operator's tools say
	Asked  int64  `json:"asked"`        // when, in milliseconds

	Step string `json:"step"` // one of the Backfill constants
	// Since is the place in the source's order from which on it counts: what was said of a row
	// before is what is read again. Place is where to go on, in the kind's own words.
	Since uint64 `json:"since,omitempty"`
	Place string `json:"place,omitempty"`
	Began int64  `json:"began,omitempty"` // milliseconds: when the first row was read
	Rows  int64  `json:"rows,omitempty"`  // read again so far,
	About int64  `json:"about,omitempty"` // of about so many, 0 = not known
	// Found rows did not come again; known when all are read. Accept is how many deletes a
	// person has said yes to.
	Found   int64 `json:"found,omitempty"`
	Deleted int64 `json:"deleted,omitempty"`
	Accept  int64 `json:"accept,omitempty"`
	// Why, if not "", is what it waits for: the time of day, a transaction, an answer.
	Why string `json:"why,omitempty"`
}

// The steps of a backfill.
const (
	BackfillAsked    = "asked"    // a person has asked for it
	BackfillReading  = "reading"  // rows are read again
	BackfillDeleting = "deleting" // what did not come again is deleted
	BackfillHeld     = "held"     // that is so much that a person must answer first
)

// Left is about how long the reading still takes at the pace so far, 0 = not known.
func (b Backfill) Left(now time.Time) time.Duration {
	took := now.Sub(time.UnixMilli(b.Began))
	if b.Step != BackfillReading || b.Began == 0 || b.Rows == 0 || b.About <= b.Rows || took <= 0 {
		return 0
	}
	return time.Duration(float64(took) * float64(b.About-b.Rows) / float64(b.Rows))
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

// beside adds to the word of a source that goes on what is read again beside its stream.
func (s SourceStatus) beside(w Word, name string) Word {
	for _, b := range s.Backfills {
		why, do := b.Progress(name, time.Now())
		w.Why, w.Do = also(w.Why, why), cmp.Or(w.Do, do)
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
