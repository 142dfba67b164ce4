package postgres

import "github.com/yiyuan-bus/yiyuan/connectors"

// Reread: the tables are read again; a trial reads them once and needs no slot.
var Reread = connectors.Reread{Dry: Dry}
