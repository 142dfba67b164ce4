package process

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/grants"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// OpenAccess returns who may ask what, and where that comes from: nil if
// nowhere. It is all that a start, a check and the doctor know of the file.
func OpenAccess(path string, cat *schemas.Catalogue) (*access.Access, gateway.Grants, error) {
	if path == "" {
		who, err := access.New(cat, nil)
		return who, nil, err
	}
	file, who, err := grants.Load(path, cat)
	if err != nil {
		return nil, nil, fmt.Errorf("应用与授权文件有误 / load grants: %w", err)
	}
	return who, file, nil
}

// AccessAhead says so where the file names what the configured folder has and the
// catalogue in force has not yet: nil where it is read, or is wrong by both.
func AccessAhead(path string, inForce, folder *schemas.Catalogue) error {
	if folder == nil || folder.Version == inForce.Version {
		return nil
	}
	_, _, err := OpenAccess(path, inForce)
	if err == nil {
		return nil
	}
	if _, _, wrong := OpenAccess(path, folder); wrong != nil {
		return nil //nolint:nilerr // what is wrong by both has nothing to do with which is in force
	}
	return fmt.Errorf("应用与授权文件合乎配置的目录 %s，但生效的目录是 %s：文件夹才是要的，看过 yiyuan plan 后先运行 yiyuan apply；生效的才是要的，按下列各处改授权文件，即可启动 / the access file fits the configured catalogue %s, but %s is in force: if the folder is what is wanted, look at yiyuan plan and run yiyuan apply first; if what is in force is, mend the access file as follows, that is enough for a start: %w", folder.Version, inForce.Version, folder.Version, inForce.Version, err)
}
