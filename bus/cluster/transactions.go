package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// OpenTransaction is a transaction that is not decided. Until it is, readers of
// committed records stop before its first record.
type OpenTransaction struct {
	ID         string // as the broker knows it, prefix included
	Producer   int64
	Epoch      int16
	State      string // Ongoing, PrepareCommit, PrepareAbort, PrepareEpochFence
	Started    time.Time
	Timeout    time.Duration // the broker aborts it after this
	Partitions []string      // topic/partition, without the prefix; sorted
}

// undecided are the states that hold readers up.
var undecided = []string{"Ongoing", "PrepareCommit", "PrepareAbort", "PrepareEpochFence"}

// Transactions lists the undecided transactions that are ours: those whose id
// has our prefix, or that wrote to our topics. The eldest comes first.
func (a *Admin) Transactions(ctx context.Context) ([]OpenTransaction, error) {
	listed, err := a.link.Admin.ListTransactions(ctx, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("list transactions: %w", err)
	}
	var ids []string
	for id, t := range listed {
		if slices.Contains(undecided, t.State) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	described, err := a.link.Admin.DescribeTransactions(ctx, ids...)
	if err != nil {
		return nil, fmt.Errorf("describe transactions: %w", err)
	}
	var out []OpenTransaction
	for id, d := range described {
		if d.Err != nil || !slices.Contains(undecided, d.State) {
			continue // decided since it was listed
		}
		t := OpenTransaction{
			ID: id, Producer: d.ProducerID, Epoch: d.ProducerEpoch, State: d.State,
			Started: time.UnixMilli(d.StartTimestamp), Timeout: time.Duration(d.TimeoutMillis) * time.Millisecond,
		}
		ours := strings.HasPrefix(id, a.link.Config.Prefix)
		for topic, partitions := range d.Topics {
			ours = ours || strings.HasPrefix(topic, a.link.Config.Prefix)
			for p := range partitions {
				t.Partitions = append(t.Partitions, fmt.Sprintf("%s/%d", a.link.Topic(topic), p))
			}
		}
		if ours {
			slices.Sort(t.Partitions)
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b OpenTransaction) int {
		if c := a.Started.Compare(b.Started); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, nil
}

// ErrNoTransaction says that no transaction of that id is open.
var ErrNoTransaction = errors.New("no such open transaction")

// Abort ends an open transaction without effect. Its producer is fenced: if it
// still lives, it finds out at its next step and begins anew. An id under which
// nothing is open is ErrNoTransaction, so that nobody is fenced by a slip.
func (a *Admin) Abort(ctx context.Context, id string) error {
	open, err := a.Transactions(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(open, func(t OpenTransaction) bool { return t.ID == id })
	if at < 0 {
		return fmt.Errorf("没有这个未结束的事务 / abort %q: %w", id, ErrNoTransaction)
	}
	// A new producer of the same id fences the elder, and the broker aborts what
	// that left open before it lets the new one in. The timeout is the id's own:
	// it must stay what its producer asked for.
	client, err := a.link.Client(kgo.TransactionalID(id), kgo.TransactionTimeout(open[at].Timeout))
	if err != nil {
		return fmt.Errorf("abort %q: %w", id, err)
	}
	defer client.Close()
	if _, _, err := client.ProducerID(ctx); err != nil {
		return fmt.Errorf("abort %q: %w", id, err)
	}
	return nil
}

// HeldBack returns the partitions whose readers of committed records stand
// before the end because something is undecided there.
func (a *Admin) HeldBack(ctx context.Context, topics ...contract.Topic) ([]string, error) {
	names := a.link.Names(topics)
	if len(names) == 0 {
		return nil, nil
	}
	// The end is asked for first: what is stable by now reaches it, if nothing is open.
	ends, err := a.link.Admin.ListEndOffsets(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("list end offsets: %w", err)
	}
	stable, err := a.link.Admin.ListCommittedOffsets(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("list stable offsets: %w", err)
	}
	var out []string
	for topic, partitions := range ends {
		for p, end := range partitions {
			if errors.Is(end.Err, kerr.UnknownTopicOrPartition) {
				continue
			}
			if at, ok := stable.Lookup(topic, p); ok && at.Err == nil && end.Err == nil && at.Offset < end.Offset {
				out = append(out, fmt.Sprintf("%s/%d", a.link.Topic(topic), p))
			}
		}
	}
	slices.Sort(out)
	return out, nil
}
