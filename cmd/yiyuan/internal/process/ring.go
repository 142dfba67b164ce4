package process

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// EphemeralKeys makes keys that last as long as the process.
func EphemeralKeys(suite string) (*keyring.Keyring, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	return keyring.New(suite, map[int][]byte{1: key}, 1)
}

// ringKey is the key of the records of the topic control that name a key ring: the
// first is the one that the bus was begun with, later ones of the same ring say
// that another of its versions has become the current one somewhere.
const ringKey = "keyring"

// bindKeys holds this process's key ring against the one that the bus was begun
// with, that of the first process that ever came, and says which of its versions is
// the current one here. Under another ring a gateway would look people up by other
// tokens than the steps publish, and deny that they exist; so would one that lacks
// a version in use. The error is bus.ErrConfig.
func (a *Process) bindKeys(ctx context.Context) error {
	mine := a.Keys.Fingerprint()
	known, err := a.rings(ctx)
	if err == nil && (len(known) == 0 || keyring.SameRing(known[0], mine) && !slices.Contains(known, mine)) {
		// Others may come at the same time: who is first is what the log says.
		if err = a.Bus.Append(ctx, bus.Record{Topic: contract.Control, Key: []byte(ringKey), Value: []byte(mine)}); err == nil {
			known, err = a.rings(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("bind key ring: %w", err)
	}
	for _, ring := range known {
		if err := a.knows(known[0], ring); err != nil {
			return err
		}
	}
	return nil
}

// knows returns an error if this process cannot make the tokens of a ring in use on
// a bus that was begun with first.
func (a *Process) knows(first, ring string) error {
	mine := a.Keys.Fingerprint()
	switch {
	case ring != first && !keyring.SameRing(first, ring): // one that was refused itself
		return nil
	case a.Keys.Knows(ring):
		return nil
	case a.cfg.Keys.File == "":
		return fmt.Errorf("没有配置密钥文件 (keys.file)，临时密钥与总线的密钥环 (%s) 不同；请给各进程配置同一个密钥文件 / no key file (keys.file): temporary keys are not the key ring of this bus (%s); give every process the same key file: %w", ring, ring, bus.ErrConfig)
	case keyring.SameRing(mine, ring):
		return fmt.Errorf("密钥文件 %s 缺少总线正在使用的密钥版本 (%s)：用它发布的记录将查不到；请先把含该版本的密钥文件发到各进程 / key file %s lacks the version of the key that is in use on this bus (%s): what is published with it would not be found; "+
			"bring the key file that has it to every process first: %w", a.cfg.Keys.File, ring, a.cfg.Keys.File, ring, bus.ErrConfig)
	}
	return fmt.Errorf("密钥文件 %s 是另一个密钥环 (%s)，总线用的是 (%s)：令牌会变，已发布的记录将查不到；请用原来的密钥文件 / key file %s is another key ring (%s) than the one of this bus (%s): "+
		"tokens would change and what is published would not be found; use the former key file: %w", a.cfg.Keys.File, mine, ring, a.cfg.Keys.File, mine, ring, bus.ErrConfig)
}

// watchKeys returns an error when a version of the key comes into use that this
// process does not hold: going on it would not find what is published with it. If
// the bus fails it begins anew.
func (a *Process) watchKeys(ctx context.Context) error {
	return a.persist(ctx, "keys in use", a.followKeys)
}

func (a *Process) followKeys(ctx context.Context) error {
	first := ""
	return a.Bus.Follow(ctx, bus.FollowConfig{Topics: []contract.Topic{contract.Control}}, func(_ context.Context, records []bus.Record) error {
		for i := range records {
			if string(records[i].Key) != ringKey {
				continue
			}
			ring := string(records[i].Value)
			if first == "" {
				first = ring
			}
			if err := a.knows(first, ring); err != nil {
				return err
			}
		}
		return nil
	})
}

// rings returns the fingerprints of the key rings that came, the first one first.
func (a *Process) rings(ctx context.Context) ([]string, error) {
	var known []string
	err := a.Bus.Replay(ctx, contract.Control, func(r bus.Record) error {
		if string(r.Key) == ringKey {
			known = append(known, string(r.Value))
		}
		return nil
	})
	return known, err
}

// openKeys reads the key file; without one the keys last as long as the process.
func openKeys(cfg settings.Keys) (*keyring.Keyring, error) {
	if cfg.File == "" {
		return EphemeralKeys(cfg.Suite)
	}
	return cfg.Open()
}
