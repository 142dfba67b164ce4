// Package connectors brings departments' changes onto the bus.
//
// A Source reads one department system (a database's log, a drop folder, a
// push endpoint) as batches of changes, each with the position after it. Run
// publishes every batch to raw.<dataset>, the rejected rows to quarantine and
// the position to sources in one Kafka transaction, and only then lets the
// source forget what it holds (Confirmer). A crash at any point therefore
// neither loses a change nor publishes one twice.
//
// The sub-packages are the kinds of source; sourcetest is the conformance suite
// that each of them passes. This package never imports one of them: a
// distribution lists its kinds in its own wiring.
//
// Run is a runner over parts that hold their own state: a voice, by which the source
// speaks on the bus, with the failure that is its word until that has passed; an encoder,
// which makes records of batches; the completeness that it has said of its datasets; and
// the steps of a resync, or of a backfill, in which the source is closed. What persons ask of a source
// stands in order.go, a trial in dry.go.
//
// Metrics, all labelled with the name of the source:
//
//	yiyuan_connectors_changes_total{source,dataset,op}
//	yiyuan_connectors_rejections_total{source,dataset,reason}
//	yiyuan_connectors_published_bytes_total{source}
//	yiyuan_connectors_batches_total{source}
//	yiyuan_connectors_publish_seconds{source}
//	yiyuan_connectors_restarts_total{source}
//	yiyuan_connectors_up{source}
//	yiyuan_connectors_caught_up_timestamp_seconds{source}
package connectors

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/connectors/standing"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// ErrConfig marks an error that only another configuration can mend: a missing
// option, a table without a key. Run does not retry it.
var ErrConfig = option.ErrConfig

// ErrPositionLost says that the source can no longer go on from the stored
// position: the replication slot is gone or ahead of it, the log was purged.
// Going on would lose changes silently, so Run stops, and no restart goes on
// either: a person has it read again from the beginning (Resync).
var ErrPositionLost = errors.New("position lost")

// ErrWaiting marks an error that passes by itself: a slot that is still held, a
// transaction that must end first. The source is then not called failed, but
// waiting, for what the error says. Run tries again soon.
var ErrWaiting = errors.New("waiting")

// IdleRead is how long Read may block while nothing happens. A source that has
// nothing to say returns an empty batch with CaughtUp set at least this often,
// so that readers know how current they are.
const IdleRead = 2 * time.Second

// Source reads one department system's changes in the order it committed them.
// Read and Close may be called from different goroutines, Read from one at a
// time.
type Source interface {
	// Read blocks for the next batch, for at most about IdleRead while there is
	// none (it then returns an empty batch). It returns io.EOF at the end of a
	// source that ends. After any error but ctx's the source is closed and opened
	// again from the last published position; errors never hold values of rows.
	Read(ctx context.Context) (Batch, error)
	// Close releases what the source holds. It may be called more than once and
	// does not confirm anything.
	Close() error
}

// Batch is a run of changes and the position after the last of them.
type Batch struct {
	Changes    []schemas.Change
	Rejections []contract.Rejection
	Refused    []Refusal // of the rejected rows those whose key is known; see Refuse
	// After is the position a reopened source goes on from once this batch is
	// published. An empty batch repeats the last one or advances it.
	After schemas.Position
	// Anew says that with this batch the source begins to be read anew, though it
	// has a position: its changes, and all that follow, count as newer than whatever
	// it said before, wherever their positions lie (see Sequence.Epoch).
	Anew bool
	// Times of changes, rejections and CaughtUp that are later than when the batch is
	// published count as that.
	//
	// CaughtUp, if not zero, promises: everything the source committed before
	// this instant is published once this batch is.
	CaughtUp time.Time
	// Awaited are the datasets of which nothing has ever been delivered; the promise
	// of CaughtUp does not hold for them, nor for one whose first delivery has begun
	// until the next batch with CaughtUp.
	Awaited []string
	State   string // StateSnapshot while first rows are copied, "" else
	// Held, if not "", says that the source stands still until a person answers:
	// for what, and with which one command. Such a batch is not CaughtUp. One with changes
	// says that what the source promises stands still, though it goes on.
	Held string
	Do   string // the one command by which a person answers, "" if Held alone says what to do

	Backfill *Backfilled // what of it is of a backfill, nil if nothing is
}

// Confirmer is a Source that wants to know what is safely published: Confirm
// is called with a batch's After once its Kafka transaction has committed. A
// crash may prevent the call, so the source treats a position it is opened
// with as confirmed too.
type Confirmer interface {
	Confirm(ctx context.Context, published schemas.Position) error
}

// Config is what every connector is told. Options are the kind's own, see Read.
type Config struct {
	Name      string // the source's name, unique in the city: ga-pg
	Kind      string // postgres, file, push, ...
	Datasets  []*schemas.Dataset
	Options   map[string]any
	Logger    *slog.Logger
	Keys      *keyring.Keyring // nil in tests only: digests are then not keyed
	Metrics   prometheus.Registerer
	Catalogue *schemas.Catalogue
	// Bus is which bus this is. A source marks with it what it makes in the
	// department's system, so that the same source file in another city leaves it
	// alone. Run sets it; "" in tests only.
	Bus    string
	Reread Reread
	// Consent is how a person's answer reaches the source, nil if it holds nothing by itself.
	Consent Consent
	// Again says that a person has ordered to read the source again from the
	// beginning, and that this is under way. Opened at position "" the source may
	// drop what its earlier life has left at the department, such as a slot. It then
	// delivers the rows there are and what changes from then on; a change of before, come
	// again, would count as newer than its row's being gone.
	Again bool
	// Backfill, if not nil, is the part that the source is to read again beside its stream; see
	// Batch.Backfill. Run sets it.
	Backfill *contract.Backfill
	// Waits, if not nil, says what Open waits for while it does, again every few seconds; Run
	// sets it and publishes it. It is called on the goroutine of Open.
	Waits func(ctx context.Context, why error) error
	// Tell, if not nil, hears each status as it is published, and why an attempt
	// has failed; it must not block.
	Tell func(Told)
}

// Told is what a running source tells the process it runs in.
type Told struct {
	Status   contract.SourceStatus // as last published
	Failure  string                // why the last attempt ended, "" while it works
	Restarts int                   // attempts that failed since it last published something
}

// Reread is what a kind declares about reading one of its sources again from
// the beginning.
type Reread struct {
	// Cannot, if not "", says why that is not possible, and what a person does
	// instead: "中文 / English".
	Cannot string
	// Dry opens the source for a trial: it yields every row once, then io.EOF, and
	// leaves nothing behind at the department. nil: there is no trial.
	Dry Open
	// Part says why what was read again, up to a position, need not be all that there is,
	// and what a person does where it is not; two empty texts or a nil func say that it is.
	// Nothing of such a source is deleted then before a person has said yes.
	Part func(cfg Config, at schemas.Position) (chinese, english string)
	// Backfill, if not nil, says how parts of the source are read again beside its stream.
	Backfill *Backfilling
}

// Backfilled is what a batch holds of a backfill.
type Backfilled struct {
	ID int64
	// Since is from where on it counts. Rows at that place of the source's order come with minors
	// from Since.Minor on, one each: what is deleted at the end comes behind them.
	Since schemas.Sequence
	Place string // where to go on once the batch is published
	Rows  int64  // read again
	About int64  // rows there are, about; 0 = not known
	Done  bool   // all are read
	Why   string // what it waits for, "" = nothing
}

// Backfilling is what a kind declares about reading parts of a source again beside its stream.
type Backfilling struct {
	// Order makes an order of what a person asks for, or refuses it.
	Order func(cfg Config, ask Ask) (contract.Backfill, error)
	// Within says which of the rows lie in the range of a backfill that has one.
	Within func(ctx context.Context, cfg Config, b contract.Backfill, rows []standing.Name) ([]bool, error)
}

// Ask is what a person asks to read again: a table as the kind names it, from one key of
// its dataset to another, both included; no key is an open end.
type Ask struct {
	Table  string   `json:"table"`
	From   KeyParts `json:"from,omitempty"`
	To     KeyParts `json:"to,omitempty"`
	Window string   `json:"window,omitempty"`
	Rate   int      `json:"rate,omitempty"`
}

// KeyParts are the parts of a key; in JSON they are texts or numbers.
type KeyParts []string

// UnmarshalJSON implements json.Unmarshaler. Its error shows no part.
func (k *KeyParts) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var parts []any
	if d.Decode(&parts) != nil {
		return errKeyParts
	}
	*k = nil
	for _, part := range parts {
		switch v := part.(type) {
		case string:
			*k = append(*k, v)
		case json.Number:
			*k = append(*k, v.String())
		default:
			return errKeyParts
		}
	}
	return nil
}

var errKeyParts = errors.New("a key is an array of texts and numbers")

// Consent answers, in the place of a person and on the machine of the source, about
// what it holds; item is what its status names. An item that is not held is ErrNotHeld.
type Consent func(cfg Config, item string, accept bool) error

// ErrNotHeld says that a source does not wait for an answer about that.
var ErrNotHeld = errors.New("没有等待确认的这一项，看 yiyuan source ls / nothing of that name waits for an answer, see yiyuan source ls")

// Open opens a source that goes on after a position; "" is the beginning.
type Open func(ctx context.Context, cfg Config, after schemas.Position) (Source, error)

// Dataset returns the dataset of that id among those the connector feeds.
func (c Config) Dataset(id string) (*schemas.Dataset, error) {
	for _, d := range c.Datasets {
		if d.ID == id {
			return d, nil
		}
	}
	return nil, fmt.Errorf("dataset %q of source %q: %w: not among its datasets", id, c.Name, ErrConfig)
}

// One returns the dataset of a source whose kind brings one: of several nothing would say
// which a row is of.
func (c Config) One() (*schemas.Dataset, error) {
	if len(c.Datasets) == 1 {
		return c.Datasets[0], nil
	}
	ids := make([]string, len(c.Datasets))
	for i, d := range c.Datasets {
		ids[i] = d.ID
	}
	return nil, fmt.Errorf("%[1]s 类数据源只送一个数据集，这里写了 %[2]d 个（%[3]s）；请为每个数据集各建一个 / a source of kind %[1]s brings one dataset, here are %[2]d (%[4]s): make one for each: %[5]w",
		c.Kind, len(ids), strings.Join(ids, "、"), strings.Join(ids, ", "), ErrConfig)
}

// Keyed returns a digest of 16 bytes under the city's keys, for what a position
// or a rejection must recognise again without holding it.
func (c Config) Keyed(label string, data []byte) []byte {
	if c.Keys == nil {
		sum := sha256.Sum256(data)
		return sum[:keyring.DigestSize]
	}
	return c.Keys.Digest(label, string(data))
}

// rowDigest is the keyed digest by which a row is recognised while its source is read again.
func (c Config) rowDigest(key []byte) [16]byte { return [16]byte(c.Keyed(contract.LabelResync, key)) }

// Log returns the connector's logger, never nil.
func (c Config) Log() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}
