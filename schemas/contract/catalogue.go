package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// CatalogueKey is the key of its records.
const CatalogueKey = "catalogue"

// AppliedFormat is the form of Applied that this build writes and reads.
const AppliedFormat = 1

// AppliedLimit is how large a record of the topic may be. Brokers take a megabyte
// where nobody has told them otherwise.
const AppliedLimit = 950_000

// ErrAppliedFormat says that an applied catalogue is of a newer build.
var ErrAppliedFormat = errors.New("applied catalogue of a newer build")

// AppliedLargeError says that a catalogue is larger than the topic takes.
type AppliedLargeError struct{ Bytes int } // of the whole record

func (e *AppliedLargeError) Error() string {
	return fmt.Sprintf("目录过大：压缩后在主题 %[1]s 中占 %[2]d 字节，最多 %[3]d 字节。删去 YAML 文件中的大段说明和不用的代码表，或拆分为几个城市 / "+
		"the catalogue is too large for the topic %[1]s even compressed: %[2]d bytes, at most %[3]d. Take long texts and code lists that nothing uses out of its YAML files, or split it", Catalogues, e.Bytes, AppliedLimit)
}

// Applied is one record of the topic Catalogues: somebody wants a catalogue to take the
// place of another. It takes effect only if that other is in force where the record
// stands in the log (InForce.Take): of two that come at once the second changes nothing.
type Applied struct {
	Format  int    `json:"format"`
	Version string `json:"version"` // of the catalogue, see schemas.Catalogue
	After   string `json:"after"`   // the version it takes the place of, "" = none was in force
	Sample  bool   `json:"sample"`  // it is the sample city that the binary of who applied it holds
	By      string `json:"by"`      // who applied it, as they call themselves
	At      int64  `json:"at"`      // when, by their clock, in milliseconds
	Files   []byte `json:"files"`   // the folder, packed by manifest.Pack
	// Lost are topics that were made anew: the catalogue in force begins once more, as that
	// behind so many, and all that is published by it is published again.
	Lost   []Topic `json:"lost,omitempty"`
	Behind int     `json:"behind,omitempty"`

	Taken time.Time `json:"-"` // when, by the broker's clock, if it was read from the log
}

// Append writes the record.
func (a Applied) Append() ([]byte, error) {
	a.Format = AppliedFormat
	value, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("write applied catalogue: %w", err)
	}
	if len(value) > AppliedLimit {
		return nil, &AppliedLargeError{len(value)}
	}
	return value, nil
}

// ParseApplied reads what Append wrote.
func ParseApplied(value []byte) (Applied, error) {
	var a Applied
	if err := json.Unmarshal(value, &a); err != nil {
		return Applied{}, fmt.Errorf("read applied catalogue: %w", err)
	}
	if a.Format > AppliedFormat {
		return Applied{}, fmt.Errorf("%w: format %d, this build reads %d", ErrAppliedFormat, a.Format, AppliedFormat)
	}
	return a, nil
}

// InForce is what the topic Catalogues comes to. Its zero value is that none is in force.
type InForce struct {
	Applied
	begun int // how many came into force
}

// Begun returns how many catalogues came into force, this one with them; of one that began
// once more, each time.
func (f *InForce) Begun() int { return f.begun }

// LastOf is what the topic comes to where applied was the last of so many that came into force.
func LastOf(applied Applied, begun int) InForce { return InForce{applied, begun} }

// Again returns the record by which the catalogue in force begins once more.
func (f *InForce) Again(lost []Topic, by string, at int64) Applied {
	again := f.Applied
	again.After, again.Lost, again.Behind, again.By, again.At = f.Version, lost, f.begun, by, at
	return again
}

// Any reports whether a catalogue is in force.
func (f *InForce) Any() bool { return f.Version != "" }

// Take goes on by one record of the log and reports whether it took effect.
func (f *InForce) Take(a Applied) bool {
	if a.After != f.Version || len(a.Lost) > 0 && a.Behind != f.begun {
		return false
	}
	f.Applied = a
	f.begun++
	return true
}
