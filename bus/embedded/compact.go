package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// compact compacts what is in the folder, if no transaction is open, by a broker of
// its own that nobody else knows. This broker drops the records of an aborted
// transaction and its marker, and goes on telling readers where it began: they
// would take all that its producer committed later for aborted, up to the next
// marker of an abort. So what it remembers of compacted partitions is thrown away,
// and the broker that opens the folder next reads them anew.
func compact(ctx context.Context, opts []kfake.Opt, dir string) error {
	cluster, err := kfake.NewCluster(loopback(ctx, opts)...)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	compacted, err := compactOpen(ctx, cluster)
	cluster.Close()
	for topic, partitions := range compacted {
		for p := range partitions {
			// The folder's name as the broker writes it.
			file := filepath.Join(dir, "partitions", url.PathEscape(topic)+"-"+strconv.Itoa(p), snapshotFile)
			if gone := os.Remove(file); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, fmt.Errorf("remove snapshot: %w", gone))
			}
		}
	}
	return err
}

// compactOpen compacts the topics of a running broker and returns which, with how
// many partitions.
func compactOpen(ctx context.Context, cluster *kfake.Cluster) (compacted map[string]int, err error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		return nil, fmt.Errorf("ask for open transactions: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	open, err := admin.ListTransactions(ctx, nil, []string{"Ongoing", "PrepareCommit", "PrepareAbort"})
	if err != nil {
		return nil, fmt.Errorf("list open transactions: %w", err)
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("%d transactions are open", len(open))
	}
	compacted, patient, err := policies(ctx, admin)
	if err != nil {
		return nil, err
	}
	if topics, err := admin.ListTopics(ctx); err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	} else if earlier(topics.Names()) {
		return nil, errors.New("it was written by an earlier build: what is in it bears the time of its sources, and is kept until the bus has been upgraded")
	}
	if err := setPolicy(ctx, admin, "delete", patient); err != nil {
		return nil, err
	}
	cluster.Compact()
	cluster.ApplyRetention()
	return compacted, setPolicy(ctx, admin, "compact", patient)
}

// policies returns the topics to compact, with how many partitions they have, and
// those whose records must stay for a while: the broker knows of no such thing and
// does not know how old a record is, so here they are not compacted at all.
func policies(ctx context.Context, admin *kadm.Client) (compacted map[string]int, patient []string, err error) {
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list topics: %w", err)
	}
	configs, err := admin.DescribeTopicConfigs(ctx, topics.Names()...)
	if err != nil {
		return nil, nil, fmt.Errorf("describe topics: %w", err)
	}
	compacted = map[string]int{}
	for _, topic := range configs {
		is := func(key string, like func(value string) bool) bool {
			return slices.ContainsFunc(topic.Configs, func(c kadm.Config) bool { return c.Key == key && like(c.MaybeValue()) })
		}
		switch {
		case is("min.compaction.lag.ms", func(v string) bool { return v != "0" }):
			patient = append(patient, topic.Name)
		case is("cleanup.policy", func(v string) bool { return strings.Contains(v, "compact") }):
			compacted[topic.Name] = len(topics[topic.Name].Partitions)
		}
	}
	return compacted, patient, nil
}

func setPolicy(ctx context.Context, admin *kadm.Client, policy string, topics []string) error {
	if len(topics) == 0 {
		return nil
	}
	forever := "-1"
	set := []kadm.AlterConfig{{Name: "cleanup.policy", Value: &policy}, {Name: "retention.ms", Value: &forever}}
	answers, err := admin.AlterTopicConfigs(ctx, set, topics...)
	for i := 0; err == nil && i < len(answers); i++ {
		err = answers[i].Err
	}
	if err != nil {
		return fmt.Errorf("change the policy of topics: %w", err)
	}
	return nil
}

// earlier reports whether the folder was written by a build that gave records the time
// of their source, and has not been upgraded since.
func earlier(topics []string) bool {
	prefix, ours := "", false
	for _, name := range topics {
		if p, ok := strings.CutSuffix(name, string(contract.Sources)); ok {
			prefix, ours = p, true
		}
	}
	return ours && !slices.Contains(topics, prefix+string(contract.Bus))
}
