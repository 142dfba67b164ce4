// Package format reads the rows of text files: what charset their bytes are in, and CSV, JSON
// Lines and JSON arrays, of which one bad row costs itself only. Nothing of a file's
// content stands in what it says.
package format

import "github.com/yiyuan-bus/yiyuan/connectors/tabular"

// Rows is a file of any format, read row by row.
type Rows interface {
	// Next returns the next row, io.EOF at the end.
	Next() (tabular.Row, error)
}

// Limits bound what is read.
type Limits struct {
	MaxRow     int // bytes
	MaxColumns int
	Delimiter  string // of CSV
}
