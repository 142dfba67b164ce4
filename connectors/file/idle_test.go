package file

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// counted is a folder that counts what is asked of it.
type counted struct {
	folder
	listed, looked int
}

func (c *counted) Open(name string) (*os.File, error) {
	if name == rejected {
		c.listed++
	}
	return c.folder.Open(name)
}

func (c *counted) Lstat(name string) (fs.FileInfo, error) {
	if strings.HasPrefix(name, done+"/") {
		c.looked++
	}
	return c.folder.Lstat(name)
}

// TestIdleLooksCostLittle: while nothing happens, files that were taken are looked at once
// in IdleRead and not at each look, and rejected/ is not listed again and again.
func TestIdleLooksCostLittle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := testInbox(t, dir)
	s := &source{setting: &setting{cfg: connectors.Config{Name: "s"}, options: b.options, log: b.log, box: b.box, dataset: &schemas.Dataset{ID: "ZJ01"}}, inbox: b, at: position{Epoch: 1, File: 9, Refused: 9}}
	const files = 20
	for n := range files {
		s.growth.add(claim{uint64(n), fmt.Sprintf("%08d-a.csv", n)}, 0, time.Now())
	}
	refused := filepath.Join(dir, rejected, "00000009-b.csv")
	if err := os.WriteFile(refused, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := &counted{folder: b.root}
	b.root = c
	for range 50 {
		got, _, err := s.look(t.Context())
		if err != nil || !strings.Contains(got.Held, "00000009") {
			t.Fatalf("it says %+v, %v", got, err)
		}
	}
	if c.listed > 1 || c.looked > files {
		t.Errorf("50 looks listed rejected/ %d times and looked %d times at %d files", c.listed, c.looked, files)
	}
	if err := os.Remove(refused); err != nil {
		t.Fatal(err)
	}
	if got, _, err := s.look(t.Context()); err != nil || got.Held != "" {
		t.Errorf("it was taken away, and it says %+v, %v", got, err)
	}
	s.growth.looked = s.growth.looked.Add(-watchEvery)
	if _, _, err := s.look(t.Context()); err != nil || c.looked <= files {
		t.Errorf("after a while %d looks at %d files, %v", c.looked, files, err)
	}
}
