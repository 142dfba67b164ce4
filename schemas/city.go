package schemas

import (
	"embed"
	"io/fs"
)

//go:embed all:yunling
var yunling embed.FS

// Yunling returns the catalogue folder of the sample city 云岭市.
func Yunling() fs.FS {
	city, err := fs.Sub(yunling, "yunling")
	if err != nil {
		panic(err) // the name is fixed and valid
	}
	return city
}
