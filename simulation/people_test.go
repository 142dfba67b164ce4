package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// people of a city that does not exist: region 5399 is not assigned.
var people = []string{
	"539902198503120013", "539902198503120021", "53990219850312003X", "539902198503120048", "539902198503120056",
}

var plates = []string{"云Z12345", "云Z12346", "云Z12347"}

var (
	names     = []string{"张三丰", "李四光", "欧阳修远", "王五常"}
	addresses = []string{"云岭市岭东区东关街道%d号", "云岭市岭东区文庙街道%d号", "云岭市岭西区金桥街道%d号", "外省外市某路%d号"}
)

// voice makes what departments say in a run: mostly new content, and all that
// sources do besides. Every address and phone number is said once, so that each
// output names the input it came from.
type voice struct {
	world  *world
	random *rand.Rand
	live   map[string]map[string]string // dataset + key -> what was said last, nil if deleted
	past   []said
	unique int
	same   bool                 // a row may be said again as it is
	back   map[*department]bool // was put back to an earlier state
}

// said is what a department said.
type said struct {
	department *department
	saying
}

func newVoice(w *world, r *rand.Rand) *voice {
	return &voice{world: w, random: r, live: map[string]map[string]string{}, back: map[*department]bool{}, same: true}
}

func (v *voice) pick(list []string) string { return list[v.random.IntN(len(list))] }

func (v *voice) phone() string {
	v.unique++
	return fmt.Sprintf("1990%07d", v.unique)
}

func (v *voice) address() string {
	v.unique++
	return fmt.Sprintf(v.pick(addresses), 10_000+v.unique)
}

// department returns whose dataset it is.
func (v *voice) dataset(id string) (*department, *schemas.Dataset) {
	for _, d := range v.world.departments {
		for _, one := range d.datasets {
			if one.ID == id {
				return d, one
			}
		}
	}
	panic("no dataset " + id)
}

// content makes new content of a row.
func (v *voice) content(id, key string) map[string]string {
	row := map[string]string{}
	maybe := func(field, text string) {
		if v.random.IntN(4) > 0 {
			row[field] = text
		}
	}
	switch id {
	case "GA01":
		row["GMSFHM"], row["XM"], row["HJDZ"], row["ZXBZ"] = key, v.pick(names), v.address(), v.pick([]string{"0", "1"})
	case "GA03":
		row["HPHM"] = key
		maybe("SYRGMSFHM", v.pick(people))
		v.unique++
		row["CLXH"] = fmt.Sprintf("model-%d", v.unique)
	case "RS02":
		row["GMSFHM"], row["DYZTDM"] = key, v.pick([]string{"0", "1", "2"})
		maybe("LXDH", v.phone())
	case "YB01":
		row["GMSFHM"], row["XM"] = key, v.pick(names)
		maybe("LXDH", v.phone())
		maybe("JZDZ", v.address())
	}
	return row
}

func (v *voice) row() (id, key string) {
	id = v.pick([]string{"GA01", "GA01", "RS02", "RS02", "YB01", "YB01", "GA03"})
	if id == "GA03" {
		return id, v.pick(plates)
	}
	return id, v.pick(people)
}

// speak says one thing.
func (v *voice) speak() {
	id, key := v.row()
	now := v.live[id+key]
	switch n := v.random.IntN(100); {
	case n < 12 && now != nil:
		v.remove(id, key)
	case n < 18 && len(v.past) > 0:
		old := v.past[len(v.past)-1-v.random.IntN(min(4, len(v.past)))]
		v.world.history.fire("data.duplicate")
		old.department.say(old.saying)
	case n < 26:
		v.late(id, key)
	case n < 30 && now != nil && v.same:
		v.world.history.fire("data.same")
		v.put(id, key, clone(now), nil)
	case n < 36 && now != nil && id == "YB01" && v.holds(id, key):
		v.world.history.fire("data.unavailable")
		row := v.content(id, key)
		delete(row, "JZDZ")
		v.put(id, key, row, []string{"JZDZ"})
		if old, ok := now["JZDZ"]; ok {
			v.live[id+key]["JZDZ"] = old
		}
	case n < 38:
		v.truncate()
	case n < 41:
		v.unique++
		d, one := v.dataset(id)
		v.world.history.fire("data.rejected")
		d.reject(one, fmt.Sprintf("%s.csv:%d:1", id, v.unique))
	default:
		v.put(id, key, v.content(id, key), nil)
	}
}

// holds reports whether a column of the row may be left out: a system that was put
// back to an earlier state does so only of rows that it has.
func (v *voice) holds(id, key string) bool {
	d, _ := v.dataset(id)
	return !v.back[d] || d.holds(id, key)
}

// speakOf says new content of a department's row.
func (v *voice) speakOf(d *department) {
	for {
		if id, key := v.row(); slices.ContainsFunc(d.datasets, func(one *schemas.Dataset) bool { return one.ID == id }) {
			v.put(id, key, v.content(id, key), nil)
			return
		}
	}
}

// put says new content.
func (v *voice) put(id, key string, row map[string]string, unavailable []string) {
	d, one := v.dataset(id)
	s := d.say(saying{dataset: one, key: key, op: schemas.Update, fields: clone(row), unavailable: unavailable})
	v.live[id+key] = clone(row)
	v.past = append(v.past, said{d, s})
}

func (v *voice) remove(id, key string) {
	d, one := v.dataset(id)
	s := d.say(saying{dataset: one, key: key, op: schemas.Delete})
	v.live[id+key] = nil
	v.past = append(v.past, said{d, s})
}

// late says the newer of two changes first, or a deletion before what it deletes.
func (v *voice) late(id, key string) {
	d, one := v.dataset(id)
	old := saying{dataset: one, key: key, op: schemas.Update, fields: v.content(id, key), sequence: d.next()}
	if v.random.IntN(3) == 0 {
		v.remove(id, key)
	} else {
		v.put(id, key, v.content(id, key), nil)
	}
	for range v.random.IntN(3) {
		other := v.pick(people)
		v.put("RS02", other, v.content("RS02", other), nil)
	}
	v.world.history.fire("data.late")
	d.say(old)
}

// truncate empties the vehicles' register.
func (v *voice) truncate() {
	d, one := v.dataset("GA03")
	v.world.history.fire("data.truncate")
	d.say(saying{dataset: one, op: schemas.Truncate})
	for _, key := range plates {
		v.live["GA03"+key] = nil
	}
}

// poison writes to a raw topic what no source would.
func (v *voice) poison() {
	w := v.world
	v.unique++
	id := fmt.Sprintf("poison-%d", v.unique)
	key := v.pick(people)
	d, one := v.dataset("RS02")
	writer, err := w.city.codec.Writer(w.t.Context(), contract.Raw(one.ID).Subject(), one.Layout)
	if err != nil {
		w.t.Fatal(err)
	}
	value, err := writer.Append(nil, record(one, v.content("RS02", key), nil))
	if err != nil {
		w.t.Fatal(err)
	}
	pos := schemas.Sequence{Epoch: 1 << 40, Major: d.next()} // above every epoch: older ones nobody would look into
	r := bus.Record{Topic: contract.Raw(one.ID), Partition: bus.ByKey, Key: []byte(key), Value: value}
	r.Headers = []bus.Header{{Key: "op", Value: []byte("u")}, {Key: "pos", Value: []byte(d.name + "@" + pos.String())}, {Key: "poison", Value: []byte(id)}}
	kinds := []string{"cut", "operation", "position", "key", "schema", "trailing"}
	kind := v.pick(kinds)
	switch kind {
	case "cut":
		r.Value = value[:len(value)-1-v.random.IntN(len(value)-5)]
	case "operation":
		r.Headers[0].Value = []byte("x")
	case "position":
		r.Headers[1].Value = []byte("nowhere")
	case "key":
		r.Key = []byte("539902198503120099")
	case "schema":
		r.Value = append([]byte{0, 0, 0x7f, 0xff, 0xff}, value[5:]...)
	case "trailing":
		r.Value = append(value, 0)
	}
	w.history.put("poison", event{"id": id, "kind": kind})
	w.history.fire("data.poison")
	if err := w.bus.Append(w.t.Context(), r); err != nil {
		w.t.Errorf("poison: %v", err)
	}
}
