package simulation

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash/fnv"
	"slices"
	"strconv"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/state"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// dump writes down what there is in the end: every topic as a reader of
// committed records sees it from its start, the cache, the state of the steps
// and its changelog, and what was logged.
func (w *world) dump() {
	cat := w.city.catalogues[0]
	topics := []contract.Topic{contract.Claims("person"), contract.Resolved("person"), contract.Findings, contract.Quarantine, contract.Audit}
	for _, d := range cat.Datasets {
		topics = append(topics, contract.Raw(d.ID))
		for _, v := range d.Views {
			topics = append(topics, contract.Shared(v.ID))
		}
	}
	for _, e := range cat.Entities {
		for _, v := range e.Views {
			topics = append(topics, contract.Shared(v.ID))
		}
	}
	for _, t := range topics {
		err := w.bus.Replay(w.t.Context(), t, func(r bus.Record) error {
			w.record(&r)
			return nil
		})
		if err != nil {
			w.t.Errorf("read %s: %v", t, err)
		}
	}
	w.dumpGroups()
	w.dumpCache()
	for _, t := range w.city.steps(0, 0) {
		w.dumpState(t)
	}
	w.history.put("log", event{"text": w.said.String()})
}

func (w *world) record(r *bus.Record) {
	e := event{"topic": string(r.Topic), "p": r.Partition, "o": r.Offset, "key": string(r.Key), "t": r.Time.UnixMilli(), "val": json.RawMessage(w.city.text(r.Value))}
	for _, h := range r.Headers {
		if h.Key != "run" {
			e["h."+h.Key] = string(h.Value)
		}
	}
	e["gone"] = r.Value == nil
	if r.Topic == contract.Findings || r.Topic == contract.Quarantine || r.Topic == contract.Audit || len(r.Topic) > 7 && r.Topic[:7] == "shared." {
		e["hex"] = hex.EncodeToString(r.Value)
	}
	w.history.put("rec", e)
}

// dumpGroups writes how far each step has committed and where its inputs end.
func (w *world) dumpGroups() {
	for _, t := range w.city.steps(0, 0) {
		ends, err := w.bus.EndOffsets(w.t.Context(), t.From...)
		if err != nil {
			w.t.Error(err)
			return
		}
		at, err := w.bus.Committed(w.t.Context(), t.Name)
		if err != nil {
			w.t.Error(err)
			return
		}
		for topic, partitions := range ends {
			for p, end := range partitions {
				w.history.put("group", event{"step": t.Name, "topic": string(topic), "p": p, "at": at[topic][p], "end": end})
			}
		}
	}
}

func (w *world) dumpCache() {
	keys := w.cache.mini.Keys()
	slices.Sort(keys)
	for _, key := range keys {
		if w.cache.mini.Type(key) == "string" {
			value, _ := w.cache.mini.Get(key)
			w.history.put("redis", event{"key": hex.EncodeToString([]byte(key)), "hex": hex.EncodeToString([]byte(value))})
		}
	}
}

// dumpState writes a step's changelog, and what each process's disk holds of it.
func (w *world) dumpState(t processors.Step) {
	err := w.bus.Replay(w.t.Context(), contract.State(t.Name), func(r bus.Record) error {
		w.history.put("change", event{"step": t.Name, "p": r.Partition, "o": r.Offset, "key": hex.EncodeToString(r.Key), "val": digest(r.Value)})
		return nil
	})
	if err != nil {
		w.t.Errorf("read the changelog of %s: %v", t.Name, err)
	}
	for _, name := range []string{"processors", "standby"} {
		if p := w.processes[name]; p != nil {
			w.dumpDisk(t.Name, name, p.fs)
		}
	}
}

// dumpDisk writes what a disk holds of a step's state. A disk of which a bit was
// flipped may say that it is damaged: if nothing has read that place, nobody knew.
func (w *world) dumpDisk(step, process string, fs *vfs.MemFS) {
	err := w.readDisk(step, process, fs)
	if w.flipped.Load() && (errors.Is(err, state.ErrDamaged) || pebble.IsCorruptionError(err)) {
		return
	}
	if err != nil {
		w.t.Errorf("read the state of %s: %v", process, err)
	}
}

func (w *world) readDisk(step, process string, fs *vfs.MemFS) (err error) {
	s, err := state.Open(state.Options{Dir: stateDir, FS: fs, Cache: 1 << 20})
	if err != nil {
		return err
	}
	b := s.Batch()
	defer func() { err = errors.Join(err, b.Close(), s.Close()) }()
	for p := range int32(partitions) {
		part := s.Partition(step, p)
		reached, _, found, err := part.Position()
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		rows := map[string]string{}
		err = b.Scan(part, nil, nil, func(key, value []byte) (bool, error) {
			rows[hex.EncodeToString(key)] = *digest(value)
			return true, nil
		})
		if err != nil {
			return err
		}
		w.history.put("state", event{"step": step, "proc": process, "p": p, "reached": reached, "rows": rows})
	}
	return nil
}

// digest is of a value, nil of a tombstone.
func digest(value []byte) *string {
	if value == nil {
		return nil
	}
	h := fnv.New64a()
	_, _ = h.Write(value) // a hash cannot fail
	s := strconv.FormatUint(h.Sum64(), 36)
	return &s
}

// leak writes what a process has measured, where nothing personal may stand.
func (w *world) leak(l *life) {
	families, err := l.metrics.Gather()
	if err != nil {
		w.t.Error(err)
		return
	}
	text := ""
	for _, f := range families {
		for _, m := range f.Metric {
			for _, label := range m.Label {
				text += label.GetName() + "=" + label.GetValue() + " "
			}
		}
	}
	w.history.put("metrics", event{"text": text})
}
