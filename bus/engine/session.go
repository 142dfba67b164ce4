package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// gather is how long what is emitted waits for company on the way to its
// partition while the transaction goes on; its end sends everything at once. A
// batch costs a broker nearly as much for five records as for five hundred.
const gather = 100 * time.Millisecond

// session is the life of one client: join, take over partitions, transact.
// Whenever a transaction was not committed the session ends, and the next one
// starts from what the broker says: kgo reports an outcome that it does not
// know as "not committed" too, and going on from there could process again what
// the broker did commit.
type session struct {
	engine  *Engine
	cfg     Transaction
	worker  Worker
	still   *standing
	client  *kgo.GroupTransactSession
	topics  *kafka.Written
	pacer   *pacer
	bell    *bell
	holding *holding

	markers time.Time      // since when the position is only markers ahead of what was committed; zero = it is not
	batch   []kafka.Record // used again and again
	woke    bool           // in the last turn

	waiting map[contract.Topic]time.Time // topics that are not fetched, until when
}

func (e *Engine) session(ctx context.Context, cfg Transaction, w Worker, still *standing, pace *pacer) (err error) {
	s := &session{engine: e, cfg: cfg, worker: w, still: still, pacer: pace, bell: &bell{}, batch: make([]kafka.Record, 0, 64), waiting: map[contract.Topic]time.Time{}}
	s.holding = newHolding(e, cfg, w, s.bell)
	link, cluster := e.link, e.link.Config
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	alive, kill := context.WithCancel(context.WithoutCancel(ctx)) // the client's own life
	defer kill()
	// Rebalances happen only outside of a turn (BlockRebalanceOnPoll), never
	// between a poll and the end of its transaction. The range balancer gives
	// partition p of every input to the same member, because they share the
	// state of partition p.
	client, err := kgo.NewGroupTransactSession(link.Options(link.Transactional(cfg.Group+"."+cfg.Member), kafka.Producing(gather, 500_000), kafka.Consuming(kafka.FetchWait,
		kgo.WithContext(alive),
		kgo.ConsumerGroup(cluster.Prefix+cfg.Group), kgo.InstanceID(e.instance(cfg)), kgo.ConsumeTopics(link.Names(cfg.From)...),
		kgo.Balancers(kgo.RangeBalancer()), kgo.SessionTimeout(cluster.SessionTimeout), kgo.HeartbeatInterval(cluster.SessionTimeout/10),
		kgo.RebalanceTimeout(cluster.SessionTimeout), kgo.BlockRebalanceOnPoll(),
		kgo.FetchMaxPartitionBytes(2<<20), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.OnPartitionsAssigned(func(_ context.Context, cl *kgo.Client, m map[string][]int32) { s.holding.assigned(ctx, cl, m) }),
		kgo.OnPartitionsRevoked(s.holding.revoked), kgo.OnPartitionsLost(s.holding.revoked),
	))...)
	if err != nil {
		return &StepError{fmt.Errorf("open session of %q: %w", cfg.Group, err)}
	}
	s.client, s.topics = client, kafka.NewWritten(client.Client())
	defer func() {
		member, _ := client.Client().GroupMetadata()
		cancel()
		// Closing would wait for the group to let us in, if that is what we are
		// waiting for, and that may be for a member that is dead.
		limit := time.AfterFunc(500*time.Millisecond, kill)
		client.CloseAllowingRebalance()
		limit.Stop()
		s.holding.halt()
		if errors.Is(err, errMixed) {
			e.leave(ctx, cfg, member) // so that the group is balanced anew
		}
	}()
	// The new epoch fences the elder self and ends what it left open, which
	// take-overs wait for.
	if _, _, err := client.Client().ProducerID(ctx); err != nil {
		return fmt.Errorf("fence the elder worker: %w", link.Refusal("", err))
	}
	for {
		if err := s.turn(ctx); err != nil {
			return err
		}
		client.AllowRebalance()
	}
}
