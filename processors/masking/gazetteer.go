package masking

import (
	"cmp"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// gazetteer knows the names of the city, its districts and its towns. What it returns
// is put together from the catalogue's names only: no character of the address itself
// is ever passed on.
//
// An address is the city's if it says so from its first character on:
//
//	[province] city district …   the city with or without 市, the province with or without 省
//	province district …          of a county, a banner or a city below the city
//	[province] city town …       if one district alone has a town of that name
//
// Names of districts and towns recur all over the country, so one that stands behind
// anything else, or in front of which nothing stands, says nothing: the address is
// withheld. So is one that names two districts one behind the other.
type gazetteer struct {
	city      string
	province  string
	fronts    []string   // what may stand in front of a district, longest first
	heads     []division // the city and its province, shown by their short names, longest first
	districts []division
	towns     bool // every district lists its towns
}

// division is a district with its towns, or a town. Names are compared in the form in
// which addresses are compared, and shown as the catalogue writes them.
type division struct {
	shown, name string
	towns       []division
}

func newGazetteer(city schemas.City) *gazetteer {
	g := &gazetteer{city: city.Name, province: normalPlace(city.Province()), towns: true}
	if name := normalPlace(city.Name); name != "" {
		short := schemas.ShortProvince(g.province)
		for _, province := range []string{g.province, short, ""} {
			g.fronts = append(g.fronts, province+name, province+shortCity(name))
		}
		for _, h := range []division{{shown: short, name: g.province}, {shown: short, name: short}, {shown: shortCity(name), name: name}, {shown: shortCity(name), name: shortCity(name)}} {
			if h.name != "" {
				g.heads = append(g.heads, h)
			}
		}
		slices.SortStableFunc(g.heads, longerName)
		slices.SortFunc(g.fronts, longer)
		g.fronts = slices.Compact(g.fronts)
	}
	for _, r := range city.Regions {
		d := division{shown: r.Name, name: normalPlace(r.Name)}
		for _, t := range r.Towns {
			d.towns = append(d.towns, division{shown: t, name: normalPlace(t)})
		}
		slices.SortStableFunc(d.towns, longerName) // so that 青石镇 never wins over 青石镇新区
		g.towns = g.towns && len(d.towns) > 0
		g.districts = append(g.districts, d)
	}
	slices.SortStableFunc(g.districts, longerName)
	return g
}

func longerName(a, b division) int { return cmp.Compare(len(b.name), len(a.name)) }

func longer(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) }

// normalPlace is the form in which the name of a place stands in an address's normal form.
func normalPlace(name string) string {
	s, err := element.Normalise(&schemas.Element{Kind: "address", Type: schemas.String}, name)
	if err != nil {
		return ""
	}
	return s
}

// shortCity is a city's name without 市, where something is left of it.
func shortCity(name string) string {
	if short, ok := strings.CutSuffix(name, "市"); ok && len(short) > len("市") {
		return short
	}
	return name
}

// begins returns which of the divisions a text begins with, and what stands behind.
func begins(s string, all []division) (*division, string) {
	for i := range all {
		if rest, ok := strings.CutPrefix(s, all[i].name); ok && all[i].name != "" {
			return &all[i], rest
		}
	}
	return nil, s
}

// find returns the district and the town that an address names, nil if it does not say
// that it is in the city.
func (g *gazetteer) find(address string) (*division, string) {
	d, rest := g.read(address)
	if d == nil {
		return g.byTown(address)
	}
	if t, _ := begins(rest, d.towns); t != nil {
		return d, t.shown
	}
	second, _ := g.read(rest)
	if second == nil {
		second, _ = begins(rest, g.districts)
	}
	if second != nil && second != d {
		return nil, "" // it names two
	}
	return d, ""
}

// read reads the city and a district from the beginning of an address.
func (g *gazetteer) read(address string) (*division, string) {
	for _, front := range g.fronts {
		if rest, ok := strings.CutPrefix(address, front); ok {
			if d, rest := begins(rest, g.districts); d != nil {
				return d, rest
			}
		}
	}
	if rest, ok := strings.CutPrefix(address, g.province); ok && g.province != "" {
		if d, rest := begins(rest, g.districts); d != nil && d.alone() {
			return d, rest
		}
	}
	return nil, address
}

// alone reports whether the name of a district says where it is without the city's:
// those of counties, banners and cities do, while 鼓楼区 is in many cities.
func (d *division) alone() bool {
	return strings.HasSuffix(d.name, "县") || strings.HasSuffix(d.name, "旗") || strings.HasSuffix(d.name, "市")
}

// byTown reads the city and a town: the district left out, the town says it, if no
// other district has one of that name.
func (g *gazetteer) byTown(address string) (found *division, town string) {
	if !g.towns {
		return nil, ""
	}
	for _, front := range g.fronts {
		rest, ok := strings.CutPrefix(address, front)
		if !ok {
			continue
		}
		for i := range g.districts {
			t, _ := begins(rest, g.districts[i].towns)
			switch {
			case t == nil:
			case found != nil:
				return nil, ""
			default:
				found, town = &g.districts[i], t.shown
			}
		}
		if found != nil {
			break
		}
	}
	return found, town
}
