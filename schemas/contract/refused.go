package contract

import "github.com/yiyuan-bus/yiyuan/schemas"

// refusedPrefix begins the key of a record of raw.* that says of a row that a newer
// version of it was refused (schemas.Refused). It keeps that record and the row's last
// good image apart when the topic is compacted. No row's key begins so.
const refusedPrefix = '\x01'

// AppendRefusedKey writes the key under which raw.* says that a newer version of a row
// was refused. Such a record goes to the row's own partition and has no value: who
// only folds rows by key takes it for the deletion of a row that there never was.
func AppendRefusedKey(dst []byte, row string) []byte {
	return append(append(dst, refusedPrefix), row...)
}

// RefusedRow returns the key of the row that a record of raw.* with that key says to
// be refused, and whether it says that at all.
func RefusedRow(key []byte) (row []byte, ok bool) {
	if len(key) < 2 || key[0] != refusedPrefix {
		return nil, false
	}
	return key[1:], true
}

// RefusedLayout is the layout of the topic Refused: one record a row, keyed by a
// digest of dataset and row key, for as long as the newest that its department sent
// of it is not taken. No value of a row stands in it.
var RefusedLayout = schemas.MustLayout("yiyuan", "Refused",
	schemas.Column{Name: "dataset", Type: schemas.String, Doc: "数据集"},
	schemas.Column{Name: "since", Type: schemas.Timestamp, Doc: "第一次被退回的行在来源的提交时间"},
	schemas.Column{Name: "subjects", Type: schemas.String, Doc: "该行所涉主体的带密钥摘要，以逗号分隔"},
)
