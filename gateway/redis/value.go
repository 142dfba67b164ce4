package redis

import (
	"encoding/binary"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// The packed value. The script compares versions, so it knows these places too.
const (
	magic       = 0x59 // 'Y'
	atVersion   = 1
	atDigest    = 9
	atFlag      = 25
	atTime      = 26
	headerBytes = 34

	flagLive    = 0
	flagDeleted = 1
	flagMoved   = 2 // deleted here, to be found under another key

	flagWithheld = 3 // there is one that is not kept: stays as a live one does
)

// pack appends the value of w to dst.
func pack(dst []byte, w store.Write) []byte {
	dst = append(dst, magic)
	dst = binary.BigEndian.AppendUint64(dst, w.Version)
	dst = append(dst, w.Key[:]...)
	flag := byte(flagLive)
	if w.Value == nil {
		switch flag = flagDeleted; {
		case w.Withheld:
			flag = flagWithheld
		case w.Moved:
			flag = flagMoved
		}
	}
	dst = append(dst, flag)
	dst = binary.BigEndian.AppendUint64(dst, uint64(w.Time.UnixMilli()))
	return append(dst, w.Value...)
}

// unpack reads the value kept under key. It reports false if the value is not
// that key's.
func unpack(value string, key store.Digest) (store.Stored, bool) {
	if len(value) < headerBytes || value[0] != magic || value[atDigest:atFlag] != string(key[:]) {
		return store.Stored{}, false
	}
	b := []byte(value)
	out := store.Stored{
		Version: binary.BigEndian.Uint64(b[atVersion:atDigest]),
		Time:    time.UnixMilli(int64(binary.BigEndian.Uint64(b[atTime:headerBytes]))),
	}
	switch b[atFlag] {
	case flagLive:
		out.Value = b[headerBytes:]
	case flagMoved:
		out.Moved = true
	case flagWithheld:
		out.Withheld = true
	}
	return out, true
}
