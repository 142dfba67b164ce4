package process

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/schemas/watched"
)

// Files that settings name hold who may do what. They are followed while the
// process runs: who is taken out of one may no more within a second.

const (
	maxPushKeys = 16 << 20 // bytes of the file of push.keys
	maxSecret   = 64 << 10 // bytes of a file that holds one secret
)

// NewSettings counts which of these files can be used as they are.
func NewSettings() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "yiyuan_process_setting_up", Help: "该设置的文件无法使用、仍按改动前的执行时为 0：应告警。 / 0 while the file of this setting cannot be used and what was in force before stays in force: an alarm.",
	}, []string{"setting"})
}

// follow puts the changes of a setting's file in force. One that cannot be used is
// told loudly, and what was in force before stays so.
func (a *Process) follow(ctx context.Context, setting string, file *watched.File, use func(text []byte) error) {
	up := a.settings.WithLabelValues(setting)
	up.Set(1)
	take := func(text []byte) error {
		if err := use(text); err != nil {
			return err
		}
		up.Set(1)
		a.Log.Info("setting is in force anew", "setting", setting)
		return nil
	}
	tell := func(err error) {
		if err == nil {
			up.Set(1)
			return
		}
		up.Set(0)
		a.Log.Error("setting cannot be used, what was in force before stays so", "setting", setting, "error", err)
	}
	a.start(ctx, setting, func(ctx context.Context) error {
		file.Follow(ctx, take, tell)
		return nil
	})
}

// sharedSecret is what callers send as a bearer key, as the file of its setting has it now.
type sharedSecret struct{ text atomic.Pointer[string] }

// secret reads the file of a setting and follows it; without one there is none,
// and nil is returned.
func (a *Process) secret(ctx context.Context, setting, path string) (*sharedSecret, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // no secret is an answer
	}
	s := &sharedSecret{}
	use := func(text []byte) error {
		value, err := settings.ParseSecret(text)
		if err == nil {
			s.text.Store(&value)
		}
		return err
	}
	file, text, err := watched.Open(path, maxSecret)
	if err == nil {
		err = use(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: 密钥文件读不了 / read secret: %w", setting, err)
	}
	a.follow(ctx, setting, file, use)
	return s, nil
}

// is reports whether it is this secret, in a time that does not tell how much of
// it was right.
func (s *sharedSecret) is(given string) bool { return settings.SameSecret(given, *s.text.Load()) }

// registryKey returns what knows the key that another's registry wants, nil if none is
// set. It is asked for before anything of the process runs, and seldom: the file is
// read with each request, and one that cannot be used leaves the key before.
func (a *Process) registryKey() (func() string, error) {
	const setting = "registry.write_key_file"
	path := a.cfg.Registry.WriteKeyFile
	if path == "" {
		return nil, nil //nolint:nilnil // no key is an answer
	}
	first, err := settings.SecretFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	var last atomic.Pointer[string]
	last.Store(&first)
	up := a.settings.WithLabelValues(setting)
	up.Set(1)
	return func() string {
		now, err := settings.SecretFile(path)
		if err != nil {
			up.Set(0)
			a.Log.Error("setting cannot be used, what was in force before stays so", "setting", setting, "error", err)
			return *last.Load()
		}
		up.Set(1)
		last.Store(&now)
		return now
	}, nil
}
