package doctor

import (
	"fmt"
	"os"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/private"
)

// secrets checks the key file. Whoever reads it can recompute every token.
func (d *doctor) secrets() Finding {
	file := d.cfg.Keys.File
	if file == "" {
		return warning("keys", "没有密钥文件，令牌随进程消失 / no key file: tokens last as long as the process", "yiyuan keys generate FILE，写进 keys.file / and name it in keys.file")
	}
	info, err := os.Stat(file)
	if err != nil {
		return problemFound("keys", "密钥文件读不了 / the key file cannot be read: "+err.Error(), "检查 keys.file；没有就生成 / check keys.file, or make one: yiyuan keys generate FILE")
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		return problemFound("keys", fmt.Sprintf("密钥文件人人可读（%v） / anybody can read the key file", mode), "chmod 600 "+file)
	} else if mode&0o070 != 0 {
		return warning("keys", fmt.Sprintf("密钥文件同组可读（%v） / the group can read the key file", mode), "chmod 600 "+file)
	}
	ring, err := keyring.Load(file)
	if err != nil {
		return problemFound("keys", "密钥文件有误 / the key file is wrong: "+terminal.FirstLine(err), "从备份恢复；重新生成会使旧令牌失效 / restore it from a copy; a new one would void old tokens")
	}
	return fine("keys", fmt.Sprintf("算法 %s，版本 %d / suite and version", ring.Suite(), ring.Current()))
}

// folders checks that nobody else reads what this bus keeps of persons.
func (d *doctor) folders() []Finding {
	var found []Finding
	for _, at := range []struct{ setting, dir string }{{"processors.dir", d.cfg.Processors.Dir}, {"bus.embedded.data", d.cfg.Bus.Embedded.Data}} {
		if at.dir == "" || at.setting == "bus.embedded.data" && !d.embedded {
			continue
		}
		if err := private.Open(at.dir); err != nil {
			found = append(found, problemFound(at.setting, "存有个人数据的目录，本机其他用户可读 / a folder of personal data that other users of this machine can read: "+err.Error(),
				"chmod 700 "+at.dir+"；自己的目录启动时自动收紧，属主是别人的，改用其下由程序自建的子目录 / a folder of its own is narrowed at the start; of one that another account owns set a folder below it, which the program makes"))
		}
	}
	return found
}

const (
	leastFiles = 4096
	leastDisk  = 1 << 30
)

// machine checks this host: descriptors and the disk of local state.
func (d *doctor) machine() []Finding {
	var found []Finding
	if files, ok := fileLimit(); ok && files < leastFiles {
		found = append(found, warning("files", fmt.Sprintf("最多打开 %d 个文件 / %d open files at the most", files, files), fmt.Sprintf("ulimit -n %d，或在 systemd 单元设 LimitNOFILE / or LimitNOFILE in the unit", leastFiles)))
	} else if ok {
		found = append(found, fine("files", fmt.Sprintf("最多打开 %d 个文件 / open files", files)))
	}
	found = append(found, d.folders()...)
	if dir := d.cfg.Bus.Embedded.Data; d.embedded && dir != "" {
		if _, err := os.Stat(dir); err == nil {
			found = append(found, room("disk.broker", dir, "清出空间：满了内置消息代理写不进去，进程就结束，腾出后再启动 / make room: when it is full the embedded broker cannot write and the process ends; start it again then"))
		}
	}
	dir := d.cfg.Processors.Dir
	if dir == "" {
		return append(found, warning("disk", "本地状态在内存里，每次启动都要重建 / local state is in memory and rebuilt at each start", "设 processors.dir / set processors.dir"))
	}
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		return append(found, warning("disk", "还没有状态目录 / no state folder yet: "+dir, "首次运行时会建 / it is made at the first run"))
	}
	return append(found, room("disk", dir, "清出空间：满了处理就停 / make room: when it is full processing stops"))
}

// room judges the space on the disk of a folder; full says what happens without any.
func room(check, dir, full string) Finding {
	free, total, err := diskSpace(dir)
	switch text := fmt.Sprintf("%s 剩余 %d MiB / of %d MiB free", dir, free>>20, total>>20); {
	case err != nil:
		return warning(check, "查不到磁盘空间 / disk space is not known: "+err.Error(), "")
	case free < leastDisk/8:
		return problemFound(check, text, full)
	case free < leastDisk:
		return warning(check, text, "清出空间 / make room")
	default:
		return fine(check, text)
	}
}
