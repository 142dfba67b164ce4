package process

import (
	"errors"
	"io/fs"
	"os/user"
	"time"

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

// ReadFolder reads a folder, the sample city if it is "", compiles its rules, and looks
// whether it could be put in force.
func ReadFolder(dir string) Folder {
	f := Folder{Sample: dir == ""}
	if f.Files, f.Broken = wiring.CatalogueFiles(dir); f.Broken == nil {
		if f.Catalogue, f.Broken = manifest.Load(f.Files); f.Broken == nil {
			f.Broken = errors.Join(wiring.Compile(f.Catalogue), f.Fits())
		}
	}
	return f
}

// Fits says whether a folder that was read is too large to be put in force, by who runs
// this command and after a catalogue as it is.
func (f *Folder) Fits() error {
	_, err := f.record(f.Catalogue.Version, User())
	return err
}

// record is the record by which somebody puts the folder in force, see Apply.
func (f *Folder) record(after, by string) ([]byte, error) {
	packed, err := manifest.Pack(f.Files)
	if err != nil {
		return nil, err
	}
	return contract.Applied{Version: f.Catalogue.Version, After: after, Sample: f.Sample, By: by, At: time.Now().UnixMilli(), Files: packed}.Append()
}

// is reports whether the folder is what is in force.
func (f *Folder) is(now contract.InForce) bool {
	return f.Broken == nil && f.Catalogue.Version == now.Version
}

// User is who runs this command, as the system calls them.
func User() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
