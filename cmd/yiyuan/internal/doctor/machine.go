package doctor

import (
	"fmt"
	"os"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
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
	dir := d.cfg.Processors.Dir
	if dir == "" {
		return append(found, warning("disk", "本地状态在内存里，每次启动都要重建 / local state is in memory and rebuilt at each start", "设 processors.dir / set processors.dir"))
	}
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		return append(found, warning("disk", "还没有状态目录 / no state folder yet: "+dir, "首次运行时会建 / it is made at the first run"))
	}
	free, total, err := diskSpace(dir)
	switch text := fmt.Sprintf("%s 剩余 %d MiB / of %d MiB free", dir, free>>20, total>>20); {
	case err != nil:
		return append(found, warning("disk", "查不到磁盘空间 / disk space is not known: "+err.Error(), ""))
	case free < leastDisk/8:
		return append(found, problemFound("disk", text, "清出空间：满了处理就停 / make room: when it is full processing stops"))
	case free < leastDisk:
		return append(found, warning("disk", text, "清出空间 / make room"))
	default:
		return append(found, fine("disk", text))
	}
}
