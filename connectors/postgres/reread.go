package postgres

import "github.com/yiyuan-bus/yiyuan/connectors"

// Reread says how a source of this kind is read again: the tables are read again; a trial reads them once and needs no slot.
var Reread = connectors.Reread{Dry: Dry}
