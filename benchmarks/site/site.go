package site

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

	"github.com/yiyuan-bus/yiyuan/benchmarks/process"
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
	AppKey  = "bench-application-key"
	Purpose = "DBHD"
	Asked   = "person.partial"
)

// Site is one deployment of yiyuan: topics with a prefix of their own on a
// broker, keys, a folder. The program runs on it, and this one looks at the
// same topics from outside.
type Site struct {
	Bench   *Bench
	Name    string // of the broker, for the table
	Brokers string
	Prefix  string
	Dir     string
	Redis   string // "" = the embedded cache
	Sources string // folder of source bindings

	Gateway, Admin string // addresses of the program that was started last

	Catalogue *schemas.Catalogue
	Keys      *keyring.Keyring
	Bus       *bus.Bus
	reg       *registry.Registry
	Codec     *codec.Codec
}

// NewSite prepares a deployment and creates its topics by running the program
// once without a role that works.
func (b *Bench) NewSite(ctx context.Context, name, brokers string) (*Site, error) {
	s := &Site{Bench: b, Name: name, Brokers: brokers, Prefix: fmt.Sprintf("bench%x.", time.Now().UnixNano())}
	s.Dir = filepath.Join(b.Dir, strings.TrimSuffix(s.Prefix, "."))
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make site folder: %w", err)
	}
	var err error
	if s.Keys, err = keyring.Generate(filepath.Join(s.Dir, "keys.yaml")); err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	if s.Catalogue, err = manifest.Load(yunling.Files()); err != nil {
		return nil, fmt.Errorf("load catalogue: %w", err)
	}
	maker, err := s.Run(ctx, "connectors", "running")
	if err != nil {
		return nil, err
	}
	_, err = maker.Logged(ctx, "running")
	if err := errors.Join(err, maker.Stop()); err != nil {
		return nil, fmt.Errorf("create topics: %w", err)
	}
	if err := s.Look(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Look connects to the site's topics.
func (s *Site) Look(ctx context.Context) error {
	var err error
	if s.Bus, err = bus.Open(ctx, bus.Config{Brokers: strings.Split(s.Brokers, ","), Prefix: s.Prefix}, nil, nil); err != nil {
		return err
	}
	if s.reg, err = registry.Open(ctx, s.Bus.SchemaLog(), "", quiet); err != nil {
		return fmt.Errorf("open registry: %w", err)
	}
	s.Codec = codec.New(s.reg)
	return nil
}

// Close disconnects and deletes the site's topics, so that the next measurement
// finds the broker as this one did.
func (s *Site) Close(ctx context.Context) error {
	if s.Bus == nil {
		return nil
	}
	s.reg.Close()
	s.Bus.Close()
	s.Bus = nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(s.Brokers, ",")...))
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
		if strings.HasPrefix(name, s.Prefix) {
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

// Run starts the program with some of its roles.
func (s *Site) Run(ctx context.Context, roles string, watch ...string) (*process.Process, error) {
	file := filepath.Join(s.Dir, "yiyuan.yaml")
	digest := access.DigestKey(AppKey)
	grants := "applications:\n  - id: BENCH\n    title: 基准\n    department: MZ\n    key_digest: sha256:" + hex.EncodeToString(digest[:]) +
		"\n    grants:\n      - {view: " + Asked + ", fields: ['*'], purposes: [" + Purpose + "]}\n"
	if err := os.WriteFile(filepath.Join(s.Dir, "access.yaml"), []byte(grants), 0o600); err != nil {
		return nil, fmt.Errorf("write grants: %w", err)
	}
	for _, address := range []*string{&s.Gateway, &s.Admin} {
		var err error
		if *address, err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	redis := ""
	if s.Redis != "" {
		redis = "redis://" + s.Redis
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
`, s.Sources, filepath.Join(s.Dir, "access.yaml"), filepath.Join(s.Dir, "keys.yaml"), s.Brokers, s.Prefix, filepath.Join(s.Dir, "state"), s.Gateway, redis, s.Admin)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return process.Launch(ctx, watch, s.Bench.Yiyuan, "run", "--config", file, "--role", roles)
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
func (s *Site) lag(ctx context.Context, group string, from ...contract.Topic) (int64, error) {
	ends, err := s.Bus.EndOffsets(ctx, from...)
	if err != nil {
		return 0, err
	}
	taken, err := s.Bus.Committed(ctx, group)
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

// Settled waits until route and every resolve have taken all there is. Steps
// are asked in their order: once one has no lag, nothing more comes to the next.
func (s *Site) Settled(ctx context.Context, limit time.Duration, alive func() error) error {
	step := func(group string, from ...contract.Topic) error {
		return process.Await(ctx, limit, 50*time.Millisecond, group+" has taken everything", func() (bool, error) {
			if err := alive(); err != nil {
				return false, err
			}
			n, err := s.lag(ctx, group, from...)
			return n == 0, err
		})
	}
	var raw []contract.Topic
	for _, d := range s.Catalogue.Datasets {
		raw = append(raw, contract.Raw(d.ID))
	}
	if err := step(contract.Route, raw...); err != nil {
		return err
	}
	for _, e := range s.Catalogue.Entities {
		if err := step(contract.Resolve(e.ID), contract.Claims(e.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Outputs are the topics that route and resolve write, state included.
func (s *Site) Outputs() []contract.Topic {
	out := []contract.Topic{contract.Findings, contract.Quarantine, contract.State(contract.Route)}
	for _, d := range s.Catalogue.Datasets {
		for _, v := range d.Views {
			out = append(out, contract.Shared(v.ID))
		}
	}
	for _, e := range s.Catalogue.Entities {
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
