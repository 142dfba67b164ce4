// Package yunling is the sample city 云岭市, made up: the folder of its catalogue, as a
// city would keep its own, embedded in the binary.
package yunling

import (
	"embed"
	"io/fs"
)

//go:embed *.yaml codes datasets entities rules
var files embed.FS

// Files returns the catalogue folder.
func Files() fs.FS { return files }
