package process

import (
	"errors"

	"github.com/yiyuan-bus/yiyuan/schemas/private"
)

// alone makes a folder of personal data this account's alone, and says if it was open to
// others or is so still; setting names it. What cannot be made is told by who opens it.
func (a *Process) alone(setting, dir string) {
	if dir == "" {
		return
	}
	before, err := private.Folder(dir)
	switch {
	case errors.Is(err, private.ErrOpen):
		a.Log.Error("目录存有个人数据，而本机其他用户可读，本进程无权收紧：由属主 chmod 700，或改用其下由程序自建的子目录 / a folder of personal data can be read by other users of this machine and is not ours to narrow: "+
			"let its owner chmod it to 700, or set a folder below it, which the program makes", "setting", setting, "folder", dir, "error", err)
	case before != 0:
		a.Log.Warn("目录存有个人数据，原先同组或其他用户可读，已收紧为只有本账号可读 / a folder of personal data was open to its group or to others, it is this account's alone now", "setting", setting, "folder", dir, "was", before.String())
	}
}
