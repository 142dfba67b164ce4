// Package audit writes who asked what, when, for which purpose and what was
// decided to the topic audit, before the answer leaves. An entry names the
// person or enterprise asked about by a keyed digest and never holds a value
// of the answer, only the SHA-256 of its bytes. An answer holds a random nonce
// that the entry does not, so that nobody finds the answer by trying; whoever
// kept the answer proves it by digesting it. Entries older than the nonce have
// the same form. What could not be written, and so was not answered, is counted by
// an entry that is written as soon as one can be.
package audit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// The decisions.
const (
	Allow = "allow"
	Deny  = "deny"
)

// Withheld is the operation of entries that count the entries that could not be written,
// and so the answers that were withheld. Count says how many, Time since when. Of several
// with one id the last counts.
const Withheld = "withheld"

// settleEvery is how often it is tried whether what is owed can be written.
const settleEvery = time.Second

// Subject is someone an entry is about.
type Subject struct {
	Digest string `json:"digest"`
	Found  bool   `json:"found"`
}

// Entry is one decision.
type Entry struct {
	ID         string    `json:"id"`
	Time       time.Time `json:"time"`
	Operation  string    `json:"operation"` // lookup, batch, verify, explain, ...
	App        string    `json:"app,omitempty"`
	Department string    `json:"department,omitempty"`
	Purpose    string    `json:"purpose,omitempty"`
	View       string    `json:"view,omitempty"`
	Fields     []string  `json:"fields,omitempty"`
	Subjects   []Subject `json:"subjects,omitempty"`
	Decision   string    `json:"decision"`
	Reason     string    `json:"reason,omitempty"`
	Status     int       `json:"status"`
	Rows       int       `json:"rows"`
	Body       string    `json:"body,omitempty"`
	Request    string    `json:"request"`
	Client     string    `json:"client,omitempty"`
	Count      int       `json:"count,omitempty"` // how many refusals it stands for; 0 = itself
}

// Record returns the entry as a record of Layout.
func (e *Entry) Record() schemas.Record {
	subjects := make([]schemas.Record, len(e.Subjects))
	for i, s := range e.Subjects {
		subjects[i] = schemas.NewRecord(contract.AuditSubjectLayout, []schemas.Value{schemas.Text(s.Digest), schemas.Bool(s.Found)})
	}
	return schemas.NewRecord(contract.AuditLayout, []schemas.Value{
		schemas.Text(e.ID), schemas.Millis(e.Time), schemas.Text(e.Operation), schemas.Text(e.App), schemas.Text(e.Department),
		schemas.Text(e.Purpose), schemas.Text(e.View), schemas.Text(strings.Join(e.Fields, ",")), schemas.Table(subjects),
		schemas.Text(e.Decision), schemas.Text(e.Reason), schemas.Int(int64(e.Status)), schemas.Int(int64(e.Rows)),
		schemas.Text(e.Body), schemas.Text(e.Request), schemas.Text(e.Client), count(e.Count),
	})
}

func count(n int) schemas.Value {
	if n == 0 {
		return schemas.Value{}
	}
	return schemas.Int(int64(n))
}

// ParseEntry reads what Record wrote.
func ParseEntry(r schemas.Record) Entry {
	e := Entry{
		ID: r.Get("id").Str(), Time: r.Get("time").Time(schemas.Timestamp), Operation: r.Get("operation").Str(),
		App: r.Get("app").Str(), Department: r.Get("department").Str(), Purpose: r.Get("purpose").Str(), View: r.Get("view").Str(),
		Decision: r.Get("decision").Str(), Reason: r.Get("reason").Str(),
		Status: int(r.Get("status").Int64()), Rows: int(r.Get("rows").Int64()),
		Body: r.Get("body").Str(), Request: r.Get("request").Str(), Client: r.Get("client").Str(),
		Count: int(r.Get("count").Int64()),
	}
	if f := r.Get("fields").Str(); f != "" {
		e.Fields = strings.Split(f, ",")
	}
	for _, s := range r.Get("subjects").Records() {
		e.Subjects = append(e.Subjects, Subject{s.Get("digest").Str(), s.Get("found").Int64() == 1})
	}
	return e
}

// Digest returns what an entry keeps of an answer's bytes.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Appender makes records durable: when Append returns nil they cannot be lost.
type Appender interface {
	Append(ctx context.Context, records ...bus.Record) error
}

// Log writes entries. It is safe for concurrent use.
type Log struct {
	to     Appender
	writer *codec.Writer
	run    string
	count  atomic.Uint64
	owed   owed
}

// Open registers the layout and returns the log.
func Open(ctx context.Context, c *codec.Codec, to Appender) (*Log, error) {
	w, err := c.Writer(ctx, contract.Audit.Subject(), contract.AuditLayout)
	if err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	// Ids of one process sort by time and are unlike any other process's.
	run := strconv.FormatInt(time.Now().UnixMilli(), 36) + strings.ToLower(rand.Text()[:8])
	return &Log{to: to, writer: w, run: run}, nil
}

// NextID returns an id that no other entry has.
func (l *Log) NextID() string {
	var digits [16]byte
	n := strconv.AppendUint(digits[:0], l.count.Add(1), 36)
	return l.run + "-" + "0000000"[min(len(n), 7):] + string(n)
}

// Append writes an entry and returns when it is durable. Entries of concurrent
// callers travel together.
func (l *Log) Append(ctx context.Context, e *Entry) error {
	err := l.write(ctx, e.ID, e)
	l.owed.came(e.Time, err, l.NextID)
	return err
}

// write writes an entry under a key, which decides to which partition it goes.
func (l *Log) write(ctx context.Context, key string, e *Entry) error {
	value, err := l.writer.Append(make([]byte, 0, 384), e.Record())
	if err != nil {
		return fmt.Errorf("append audit entry: %w", err)
	}
	record := bus.Record{Topic: contract.Audit, Partition: bus.ByKey, Key: []byte(key), Value: value, Time: e.Time}
	if err := l.to.Append(ctx, record); err != nil {
		return fmt.Errorf("append audit entry: %w", err)
	}
	return nil
}

// Lost reports whether the last entry that was tried could not be written, and since when
// there are such.
func (l *Log) Lost() (since time.Time, lost bool) { return l.owed.down() }

// Settle writes, until ctx ends, one entry for all that could not be written, as soon as
// it can be: whether entries are taken again is known by it though nobody asks. An attempt
// ends after wait; told hears of each that has been successful.
func (l *Log) Settle(ctx context.Context, wait time.Duration, told func(since time.Time, count int)) error {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		id, since, count := l.owed.account()
		if count == 0 {
			continue
		}
		try, cancel := context.WithTimeout(ctx, wait)
		err := l.write(try, l.NextID(), &Entry{ // each attempt at another partition
			ID: id, Time: since, Operation: Withheld, Decision: Deny, Reason: "audit", Status: http.StatusServiceUnavailable, Request: id, Count: count,
		})
		cancel()
		if err == nil {
			l.owed.settled(count, l.NextID())
			told(since, count)
		}
	}
}
