package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// The application that asks in the benchmarks, and what for.
const (
	appKey  = "bench-application-key"
	purpose = "DBHD"
	asked   = "person.partial"
)

// site is one deployment of yiyuan: topics with a prefix of their own on a
// broker, keys, a folder. The program runs on it, and this one looks at the
// same topics from outside.
type site struct {
	b       *bench
	name    string // of the broker, for the table
	brokers string
	prefix  string
	dir     string
	redis   string // "" = the embedded cache
	sources string // folder of source bindings

	gateway, admin string // addresses of the program that was started last

	cat   *schemas.Catalogue
	keys  *keyring.Keyring
	bus   *bus.Bus
	reg   *registry.Registry
	codec *codec.Codec
}

// newSite prepares a deployment and creates its topics by running the program
// once without a role that works.
func (b *bench) newSite(ctx context.Context, name, brokers string) (*site, error) {
	s := &site{b: b, name: name, brokers: brokers, prefix: fmt.Sprintf("bench%x.", time.Now().UnixNano())}
	s.dir = filepath.Join(b.dir, strings.TrimSuffix(s.prefix, "."))
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make site folder: %w", err)
	}
	var err error
	if s.keys, err = keyring.Generate(filepath.Join(s.dir, "keys.yaml")); err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	if s.cat, err = manifest.Load(yunling.Files()); err != nil {
		return nil, fmt.Errorf("load catalogue: %w", err)
	}
	maker, err := s.run(ctx, "connectors", "running")
	if err != nil {
		return nil, err
	}
	_, err = maker.logged(ctx, "running")
	if err := errors.Join(err, maker.stop()); err != nil {
		return nil, fmt.Errorf("create topics: %w", err)
	}
	if err := s.look(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// look connects to the site's topics.
func (s *site) look(ctx context.Context) error {
	var err error
	if s.bus, err = bus.Open(ctx, bus.Config{Brokers: strings.Split(s.brokers, ","), Prefix: s.prefix}, nil, nil); err != nil {
		return err
	}
	if s.reg, err = registry.Open(ctx, s.bus.SchemaLog(), quiet); err != nil {
		return fmt.Errorf("open registry: %w", err)
	}
	s.codec = codec.New(s.reg)
	return nil
}

// close disconnects and deletes the site's topics, so that the next measurement
// finds the broker as this one did.
func (s *site) close(ctx context.Context) error {
	if s.bus == nil {
		return nil
	}
	s.reg.Close()
	s.bus.Close()
	s.bus = nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(s.brokers, ",")...))
	if err != nil {
		return fmt.Errorf("delete topics: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	all, err := admin.ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("delete topics: %w", err)
	}
	var ours []string
	for _, name := range all.Names() {
		if strings.HasPrefix(name, s.prefix) {
			ours = append(ours, name)
		}
	}
	if len(ours) == 0 {
		return nil
	}
	if _, err := admin.DeleteTopics(ctx, ours...); err != nil {
		return fmt.Errorf("delete topics: %w", err)
	}
	return nil
}

// run starts the program with some of its roles.
func (s *site) run(ctx context.Context, roles string, watch ...string) (*process, error) {
	file := filepath.Join(s.dir, "yiyuan.yaml")
	digest := access.DigestKey(appKey)
	grants := "applications:\n  - id: BENCH\n    title: 基准\n    department: MZ\n    key_digest: sha256:" + hex.EncodeToString(digest[:]) +
		"\n    grants:\n      - {view: " + asked + ", fields: ['*'], purposes: [" + purpose + "]}\n"
	if err := os.WriteFile(filepath.Join(s.dir, "access.yaml"), []byte(grants), 0o600); err != nil {
		return nil, fmt.Errorf("write grants: %w", err)
	}
	for _, address := range []*string{&s.gateway, &s.admin} {
		var err error
		if *address, err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	redis := ""
	if s.redis != "" {
		redis = "redis://" + s.redis
	}
	// State lies on disk and the process is named, as in production.
	text := fmt.Sprintf(`sources: %q
access: %q
keys: {file: %q}
bus: {brokers: [%s], prefix: %q}
registry: {listen: ""}
processors: {dir: %q, instance: bench}
gateway: {listen: %q, redis: %q}
admin: {listen: %q}
log: {level: info, format: text}
`, s.sources, filepath.Join(s.dir, "access.yaml"), filepath.Join(s.dir, "keys.yaml"), s.brokers, s.prefix, filepath.Join(s.dir, "state"), s.gateway, redis, s.admin)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return launch(ctx, watch, s.b.yiyuan, "run", "--config", file, "--role", roles)
}

// freeAddress returns an address on which nobody listens.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// lag is how many records, markers of transactions included, a step has not
// taken yet.
func (s *site) lag(ctx context.Context, group string, from ...contract.Topic) (int64, error) {
	ends, err := s.bus.EndOffsets(ctx, from...)
	if err != nil {
		return 0, err
	}
	taken, err := s.bus.Committed(ctx, group)
	if err != nil {
		return 0, err
	}
	var n int64
	for t, partitions := range ends {
		for p, end := range partitions {
			n += end - taken[t][p]
		}
	}
	return n, nil
}

// settled waits until route and every resolve have taken all there is. Steps
// are asked in their order: once one has no lag, nothing more comes to the next.
func (s *site) settled(ctx context.Context, limit time.Duration, alive func() error) error {
	step := func(group string, from ...contract.Topic) error {
		return await(ctx, limit, 50*time.Millisecond, group+" has taken everything", func() (bool, error) {
			if err := alive(); err != nil {
				return false, err
			}
			n, err := s.lag(ctx, group, from...)
			return n == 0, err
		})
	}
	var raw []contract.Topic
	for _, d := range s.cat.Datasets {
		raw = append(raw, contract.Raw(d.ID))
	}
	if err := step(contract.Route, raw...); err != nil {
		return err
	}
	for _, e := range s.cat.Entities {
		if err := step(contract.Resolve(e.ID), contract.Claims(e.ID)); err != nil {
			return err
		}
	}
	return nil
}

// outputs are the topics that route and resolve write, state included.
func (s *site) outputs() []contract.Topic {
	out := []contract.Topic{contract.Findings, contract.Quarantine, contract.State(contract.Route)}
	for _, d := range s.cat.Datasets {
		for _, v := range d.Views {
			out = append(out, contract.Shared(v.ID))
		}
	}
	for _, e := range s.cat.Entities {
		out = append(out, contract.Claims(e.ID), contract.State(contract.Resolve(e.ID)))
		if len(e.Fields) > 0 {
			out = append(out, contract.Resolved(e.ID))
		}
		for _, v := range e.Views {
			out = append(out, contract.Shared(v.ID))
		}
	}
	return out
}
