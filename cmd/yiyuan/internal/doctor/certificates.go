package doctor

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
	"github.com/yiyuan-bus/yiyuan/schemas/certificate"
)

// certificates looks at when the listeners' certificates end, and who may read their keys.
func (d *doctor) certificates(now time.Time) []Finding {
	var found []Finding
	doors := d.cfg.Doors()
	for _, name := range slices.Sorted(maps.Keys(doors)) {
		f := d.cfg.Listeners.Files(name)
		check := "tls." + name
		own, err := f.Open(name)
		switch {
		case err != nil: // the configuration was read a moment ago, and it with it
			found = append(found, problemFound(check, "证书用不了 / the certificate cannot be used: "+terminal.FirstLine(err), "改 listeners.tls / mend listeners.tls"))
			continue
		case own == nil && !settings.OnThisMachine(doors[name]):
			found = append(found, warning(check, doors[name]+" 以明文对外（listeners.plaintext: true）/ speaks plain text beyond this machine",
				"设 listeners.tls.cert 与 key；前面另有 TLS 时可留着 / set listeners.tls.cert and key, unless something in front speaks TLS"))
			continue
		case own == nil:
			continue
		}
		found = append(found, judged(check, own.Notes(now), own.Expires(), now, "换上新的证书与私钥文件，几秒内生效，不必重启 / put new files in place: they are in force within seconds, without a restart")...)
		found = append(found, exposed(check, f.Key)...)
	}
	return append(found, d.shown(now)...)
}

// shown looks at the certificates that services are believed by and that they are shown.
func (d *doctor) shown(now time.Time) []Finding {
	var found []Finding
	services := d.cfg.Services()
	for _, name := range slices.Sorted(maps.Keys(services)) {
		check, f := "tls."+name, services[name]
		read, err := f.Load()
		if err != nil { // as above
			found = append(found, problemFound(check, terminal.FirstLine(err), "按提示改正，重启生效 / mend it, and restart"))
			continue
		}
		var ends time.Time
		if read.Pair != nil {
			ends = read.Pair.Ends()
		}
		found = append(found, judged(check, read.Notes(now), ends, now, "换上新的文件，重启生效 / put new files in place, and restart")...)
		if f.Key.Path != "" {
			found = append(found, exposed(check, f.Key.Path)...)
		}
	}
	return found
}

// judged says how long certificates last, and what is to be said of them beside that.
// ends is zero where there are only authorities.
func judged(check string, notes []certificate.Note, ends, now time.Time, renew string) []Finding {
	var found []Finding
	for _, n := range notes {
		if n.Void {
			found = append(found, problemFound(check, n.Text, renew))
		} else {
			found = append(found, warning(check, n.Text, ""))
		}
	}
	until := ends.Format(time.DateTime)
	switch left := ends.Sub(now); {
	case Count(found, Problem) > 0:
	case ends.IsZero():
		if len(found) == 0 {
			found = append(found, fine(check, "CA 证书可用 / the certificates of the authority can be used"))
		}
	case left < settings.Soon:
		found = append(found, warning(check, "证书即将过期 / the certificate ends soon: "+until, renew))
	default:
		found = append(found, fine(check, "证书有效至 / the certificate lasts until "+until))
	}
	return found
}

// exposed looks at who may read a private key.
func exposed(check, key string) []Finding {
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm()&0o007 == 0 {
		return nil
	}
	return []Finding{problemFound(check, fmt.Sprintf("私钥文件人人可读（%v） / anybody can read the private key", info.Mode().Perm()), "chmod 600 "+key)}
}
