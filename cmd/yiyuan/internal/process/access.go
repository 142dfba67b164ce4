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
