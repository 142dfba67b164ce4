package process

import (
	"io/fs"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
)

// Folder is a catalogue folder as somebody wants it in force.
type Folder struct {
	Catalogue *schemas.Catalogue
	Files     fs.FS
	Sample    bool  // the sample city of this build
	Broken    error // why there is none
}

// ReadFolder reads a folder, the sample city if it is "", and compiles its rules.
func ReadFolder(dir string) Folder {
	f := Folder{Sample: dir == ""}
	if f.Files, f.Broken = wiring.CatalogueFiles(dir); f.Broken == nil {
		if f.Catalogue, f.Broken = manifest.Load(f.Files); f.Broken == nil {
			f.Broken = wiring.Compile(f.Catalogue)
		}
	}
	return f
}

// is reports whether the folder is what is in force.
func (f *Folder) is(now contract.InForce) bool {
	return f.Broken == nil && f.Catalogue.Version == now.Version
}
