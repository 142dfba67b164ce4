package process

import (
	"context"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/schemas/certificate"
)

// secure opens the certificates of all listeners and says which of them speak
// plain text to others than this machine.
func (a *Process) secure() error {
	for name, address := range a.cfg.Doors() {
		secure, err := a.cfg.Listeners.Files(name).Open(name)
		if err != nil {
			return fmt.Errorf("listeners.tls (%s): %w", name, err)
		}
		own := a.shared.Own[name]
		own.TLS = secure
		a.shared.Own[name] = own
		switch {
		case secure == nil && !settings.OnThisMachine(address):
			a.Log.Warn("listener speaks plain text beyond this machine, because listeners.plaintext says so: keys and data can be read on the way", "listener", name, "address", address)
		case secure != nil:
			a.shared.Metrics.Expires(name, secure.Expires())
			if left := time.Until(secure.Expires()); left < settings.Soon {
				a.Log.Error("certificate has expired or soon will", "listener", name, "expires", secure.Expires())
			}
			a.note(secure.Notes(time.Now()), "listener", name)
		}
	}
	for name, files := range a.cfg.Services() {
		read, err := files.Load()
		if err != nil {
			return err //nolint:wrapcheck // it names setting and file
		}
		if read.Pair != nil && time.Until(read.Pair.Ends()) < settings.Soon {
			a.Log.Error("certificate has expired or soon will", "service", name, "expires", read.Pair.Ends())
		}
		a.note(read.Notes(time.Now()), "service", name)
	}
	return nil
}

// note says what is not valid of certificates that are used, and what they hold for nothing.
func (a *Process) note(notes []certificate.Note, of, name string) {
	for _, n := range notes {
		a.Log.Warn("certificates are used that should be looked at", of, name, "note", n.Text)
	}
}

// followCertificates puts new certificates in force while the process runs.
func (a *Process) followCertificates(ctx context.Context) {
	for name, own := range a.shared.Own {
		if own.TLS == nil {
			continue
		}
		setting := "listeners.tls (" + name + ")"
		up := a.settings.WithLabelValues(setting)
		up.Set(1)
		a.start(ctx, setting, func(ctx context.Context) error {
			own.TLS.Follow(ctx, func() {
				a.shared.Metrics.Expires(name, own.TLS.Expires())
				a.Log.Info("certificate is in force", "listener", name, "expires", own.TLS.Expires())
			}, func(err error) {
				if err != nil {
					up.Set(0)
					a.Log.Error("certificate cannot be used, the one before stays in force", "listener", name, "error", err, "expires", own.TLS.Expires())
					return
				}
				up.Set(1)
			})
			return nil
		})
	}
}

// scheme is how the address of a listener begins.
func (a *Process) scheme(name string) string {
	if a.shared.Own[name].TLS != nil {
		return "https://"
	}
	return "http://"
}
