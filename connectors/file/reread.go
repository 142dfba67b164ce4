package file

import "github.com/yiyuan-bus/yiyuan/connectors"

// Reread says how a source of this kind is read again: a source begins again with what then lies in its folder, and waits for
// a file if there is none (see source.Read).
var Reread = connectors.Reread{}
