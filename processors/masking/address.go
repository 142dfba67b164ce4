package masking

import (
	"sort"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// gazetteer knows the names of the city's districts and towns. What it returns
// is put together from its own names only: no character of the address itself
// is ever passed on.
type gazetteer struct {
	city      string
	districts []district
}

type district struct {
	code, name string
	towns      []string // longest first, so that 青石镇 never wins over 大青石镇
}

func newGazetteer(city schemas.City) *gazetteer {
	g := &gazetteer{city: city.Name}
	for _, r := range city.Regions {
		towns := append([]string(nil), r.Towns...)
		sort.SliceStable(towns, func(i, j int) bool { return len(towns[i]) > len(towns[j]) })
		g.districts = append(g.districts, district{code: r.Code, name: r.Name, towns: towns})
	}
	return g
}

// find returns the district and the town that an address names.
func (g *gazetteer) find(address string) (d *district, town string) {
	for i := range g.districts {
		c := &g.districts[i]
		at := strings.Index(address, c.name)
		if c.name == "" || at < 0 {
			continue
		}
		rest := address[at+len(c.name):]
		for _, t := range c.towns {
			if strings.HasPrefix(rest, t) {
				return c, t
			}
		}
		if d == nil {
			d = c
		}
	}
	if d != nil {
		return d, ""
	}
	// The district left out: a town's name says it, if only one district has it.
	for i := range g.districts {
		for _, t := range g.districts[i].towns {
			if !strings.HasPrefix(strings.TrimPrefix(address, g.city), t) {
				continue
			}
			if d != nil && d != &g.districts[i] {
				return nil, ""
			}
			d, town = &g.districts[i], t
			break
		}
	}
	return d, town
}

// town cuts an address to its street office or township (街道，乡镇) by the city's
// dictionary, never by length: 云岭市岭东区东关街道***. An address outside the
// dictionary shows nothing.
func (g *gazetteer) town(address string) string {
	d, town := g.find(address)
	if d == nil {
		return stars
	}
	return g.city + d.name + town + stars
}

// makeDistrict is the rule district: an address becomes its district's name, a
// region code its first six digits.
func makeDistrict(s spec) (mask, error) {
	if s.element.Kind == "region" {
		return textual(func(code string) string {
			if len(code) < 6 || !digits(code) {
				return ""
			}
			return code[:6]
		}), nil
	}
	g := newGazetteer(s.city)
	return textual(func(address string) string {
		d, _ := g.find(address)
		if d == nil {
			return stars
		}
		return g.city + d.name
	}), nil
}
