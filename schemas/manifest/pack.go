package manifest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Pack puts the files of a catalogue folder that Load reads into one compressed piece:
// the same files give the same bytes.
func Pack(fsys fs.FS) ([]byte, error) {
	var out bytes.Buffer
	to := zip.NewWriter(&out)
	to.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(base, ".") && name != ".":
			return fs.SkipDir
		case d.IsDir() || strings.HasPrefix(base, ".") || path.Ext(base) != ".yaml":
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		w, err := to.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	})
	if err == nil {
		err = to.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack catalogue: %w", err)
	}
	return out.Bytes(), nil
}

// Unpack returns the folder that Pack packed.
func Unpack(packed []byte) (fs.FS, error) {
	folder, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, fmt.Errorf("unpack catalogue: %w", err)
	}
	return folder, nil
}
