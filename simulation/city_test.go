package simulation

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/resolve"
	"github.com/yiyuan-bus/yiyuan/processors/route"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
)

// city is what all runs share because it never changes: the catalogue and the
// changed one, compiled stages, and the schemas.
type city struct {
	catalogues [2]*schemas.Catalogue
	registry   *codec.Memory
	codec      *codec.Codec
	keys       [2]*keyring.Keyring // one ring, with its first and its second key current

	mu      sync.Mutex
	stages  map[string][]processors.Stage // idle ones, by step and catalogue
	readers map[int]*codec.Reader
}

var sharedCity = sync.OnceValues(loadCity)

// theCity returns the city, loaded once and outside of every bubble.
func theCity(t testing.TB) *city {
	t.Helper()
	c, err := sharedCity()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func loadCity() (*city, error) {
	m := codec.NewMemory()
	c := &city{registry: m, codec: codec.New(m), stages: map[string][]processors.Stage{}, readers: map[int]*codec.Reader{}}
	plain := os.DirFS("testdata/city")
	changed := fstest.MapFS{}
	for _, root := range []string{"testdata/city", "testdata/changed"} {
		err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(os.DirFS(root), path)
			changed[path] = &fstest.MapFile{Data: text}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var err error
	for i, files := range []fs.FS{plain, changed} {
		if c.catalogues[i], err = manifest.Load(files); err != nil {
			return nil, err
		}
	}
	for i := range c.keys {
		if c.keys[i], err = keyring.New(keyring.Intl, map[int][]byte{1: bytes.Repeat([]byte{7}, 32), 2: bytes.Repeat([]byte{8}, 32)}, i+1); err != nil {
			return nil, err
		}
	}
	for i := range c.catalogues {
		for ring := range c.keys {
			for _, t := range c.steps(i, ring) {
				s, err := t.Stage()
				if err != nil {
					return nil, err
				}
				c.give(t.Name, i, ring, s)
			}
		}
	}
	return c, nil
}

// steps are the journey under a catalogue and a key, in the order a change passes
// them.
func (c *city) steps(version, ring int) []processors.Step {
	cat, keys := c.catalogues[version], c.keys[ring]
	return []processors.Step{route.New(cat, c.codec, keys), resolve.New(cat, c.codec, keys, "person")}
}

// take returns a compiled stage that nobody uses. Compiling is most of the cost
// of a start, and a stage keeps nothing that it has read.
func (c *city) take(t processors.Step, version, ring int) (processors.Stage, error) {
	name := stageName(t.Name, version, ring)
	c.mu.Lock()
	if idle := c.stages[name]; len(idle) > 0 {
		s := idle[len(idle)-1]
		c.stages[name] = idle[:len(idle)-1]
		c.mu.Unlock()
		return s, nil
	}
	c.mu.Unlock()
	return t.Stage()
}

func (c *city) give(step string, version, ring int, s processors.Stage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := stageName(step, version, ring)
	c.stages[name] = append(c.stages[name], s)
}

func stageName(step string, version, ring int) string {
	return step + "/" + string(rune('0'+version)) + string(rune('0'+ring))
}

// decode reads any framed value under the schema it names.
func (c *city) decode(value []byte) (schemas.Record, error) {
	id, err := codec.SchemaID(value)
	if err != nil {
		return schemas.Record{}, err
	}
	c.mu.Lock()
	r := c.readers[id]
	c.mu.Unlock()
	if r == nil {
		text, err := c.registry.Schema(context.Background(), id)
		if err != nil {
			return schemas.Record{}, err
		}
		l, err := codec.ParseSchema(text)
		if err != nil {
			return schemas.Record{}, err
		}
		r = c.codec.Reader(l)
		c.mu.Lock()
		c.readers[id] = r
		c.mu.Unlock()
	}
	return r.Decode(context.Background(), value)
}

// text writes a framed value as JSON, null for a tombstone or what is no record.
func (c *city) text(value []byte) string {
	if value == nil {
		return "null"
	}
	rec, err := c.decode(value)
	if err != nil {
		return "null"
	}
	all := make([]int, rec.Len())
	for i := range all {
		all[i] = i
	}
	return string(answer.AppendRecord(nil, rec, all))
}

// topics are all that the system needs.
func (c *city) topics() []contract.Spec {
	cat := c.catalogues[0]
	specs := []contract.Spec{
		{Topic: contract.Findings, Compact: true},
		{Topic: contract.Refused, Compact: true},
		contract.BusSpec,
		{Topic: contract.Quarantine},
		{Topic: contract.Audit, Retention: -1},
		{Topic: contract.Sources, Partitions: 1, Compact: true},
		{Topic: contract.Claims("person")},
		{Topic: contract.Resolved("person"), Compact: true},
	}
	for _, d := range cat.Datasets {
		specs = append(specs, contract.Spec{Topic: contract.Raw(d.ID), Compact: true})
		for _, v := range d.Views {
			specs = append(specs, contract.Spec{Topic: contract.Shared(v.ID), Compact: true})
		}
	}
	for _, e := range cat.Entities {
		for _, v := range e.Views {
			specs = append(specs, contract.Spec{Topic: contract.Shared(v.ID), Compact: true})
		}
	}
	for _, t := range c.steps(0, 0) {
		specs = append(specs, processors.Specs(t)...)
	}
	return specs
}
