package main

import (
	"context"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/bus"
)

// ringKey is the key of the records of the topic control that name a key ring.
const ringKey = "keyring"

// bindKeys holds this process's key ring against the one that the bus was begun
// with, that of the first process that ever came. Under another one a gateway
// would look people up by other tokens than the steps publish, and deny that
// they exist. The error is bus.ErrConfig.
func (a *app) bindKeys(ctx context.Context) error {
	mine := a.keys.Fingerprint()
	first, err := a.firstRing(ctx)
	if err == nil && first == "" {
		// Others may come at the same time: who is first is what the log says.
		if err = a.bus.Append(ctx, bus.Record{Topic: bus.Control, Key: []byte(ringKey), Value: []byte(mine)}); err == nil {
			first, err = a.firstRing(ctx)
		}
	}
	switch {
	case err != nil:
		return fmt.Errorf("bind key ring: %w", err)
	case first == mine:
		return nil
	case a.cfg.Keys.File == "":
		return fmt.Errorf("没有配置密钥文件 (keys.file)，临时密钥与总线的密钥环 (%s) 不同；请给各进程配置同一个密钥文件 / no key file (keys.file): temporary keys are not the key ring of this bus (%s); give every process the same key file: %w", first, first, bus.ErrConfig)
	}
	return fmt.Errorf("密钥文件 %s 是另一个密钥环 (%s)，总线用的是 (%s)：令牌会变，已发布的记录将查不到；请用原来的密钥文件 / key file %s is another key ring (%s) than the one of this bus (%s): "+
		"tokens would change and what is published would not be found; use the former key file: %w", a.cfg.Keys.File, mine, first, a.cfg.Keys.File, mine, first, bus.ErrConfig)
}

// firstRing returns the fingerprint of the key ring that came first, "" before any.
func (a *app) firstRing(ctx context.Context) (string, error) {
	first := ""
	err := a.bus.Replay(ctx, bus.Control, func(r bus.Record) error {
		if first == "" && string(r.Key) == ringKey {
			first = string(r.Value)
		}
		return nil
	})
	return first, err
}
