package doctor

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
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
		ends, renew := own.Expires().Format(time.DateTime), "换上新的证书与私钥文件，几秒内生效，不必重启 / put new files in place: they are in force within seconds, without a restart"
		switch left := own.Expires().Sub(now); {
		case left <= 0:
			found = append(found, problemFound(check, "证书已过期 / the certificate has expired: "+ends, renew))
		case left < settings.Soon:
			found = append(found, warning(check, "证书即将过期 / the certificate ends soon: "+ends, renew))
		default:
			found = append(found, fine(check, "证书有效至 / the certificate lasts until "+ends))
		}
		if info, err := os.Stat(f.Key); err == nil && info.Mode().Perm()&0o007 != 0 {
			found = append(found, problemFound(check, fmt.Sprintf("私钥文件人人可读(%v)/ anybody can read the private key", info.Mode().Perm()), "chmod 600 "+f.Key))
		}
	}
	return found
}
