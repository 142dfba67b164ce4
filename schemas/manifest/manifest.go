// Package manifest reads a catalogue from its files. Load reads a folder and refuses
// the whole of it if one file is wrong; Check also returns what a catalogue that loads
// is warned of. Every problem names its file, line and column, what is wrong and what
// to do, in Chinese and English; testdata/refuse shows them all.
//
// A loaded catalogue is immutable and safe for concurrent use. Conditions (CEL) are
// only checked for the fields they read from their row; package condition compiles
// them where they are evaluated.
package manifest

import (
	"io/fs"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Load reads a catalogue folder and checks all of it. The error is a *Problems
// that holds everything found, never only the first; a catalogue with one wrong
// file is not loaded at all.
func Load(fsys fs.FS) (*schemas.Catalogue, error) {
	c, _, err := Check(fsys)
	return c, err
}

// Check is Load, and returns what a catalogue that loads is warned of.
func Check(fsys fs.FS) (*schemas.Catalogue, []Problem, error) {
	l := &loader{
		collector: &collector{}, byID: map[string]*datasetFile{}, broken: map[string]bool{}, known: newKnown(),
		cat: &schemas.Catalogue{Files: map[string]string{}, Written: map[string]any{}, Conditions: map[schemas.Passage]schemas.Place{}, Calendar: schemas.Calendar{Holidays: map[string]string{}, Workdays: map[string]string{}}},
	}
	files, err := l.read(fsys)
	if err != nil {
		return nil, nil, err
	}
	l.single(files, "city.yaml", l.city)
	for _, f := range files {
		if strings.HasPrefix(f.name, "calendar-") && f.root.exists() {
			l.calendar(f)
		}
	}
	l.single(files, "departments.yaml", l.departments)
	l.folder(files, "codes/", l.codeSet)
	l.single(files, "elements.yaml", l.elements)
	l.single(files, "purposes.yaml", l.purposes)
	if len(l.cat.Departments) == 0 || len(l.cat.Elements) == 0 {
		return nil, nil, l.failed() // everything else would only be unknown
	}
	l.folder(files, "datasets/", l.dataset)
	l.folder(files, "entities/", l.entity)
	for _, d := range l.datasets {
		l.links(d)
		l.datasetViews(d)
	}
	for _, e := range l.entities {
		l.aggregates(e)
		l.authority(e)
		l.goldenLevels(e)
		l.entityViews(e)
	}
	l.folder(files, "rules/", l.rule)
	l.codeRules()
	l.crossCheck()
	if l.errors() {
		return nil, nil, l.failed()
	}
	l.cat.Index()
	return l.cat, l.sorted(), nil
}
