package schemas

import "slices"

// City is city.yaml.
type City struct {
	Name    string        // 云岭市
	English string        // Yunling
	Region  string        // 539900
	Regions []Region      // districts, for addresses and codes
	Clocks  []ClockConfig // legal time limits in working days, by name ("dispute": 10)
}

// SamePlaces reports whether both cities are cut to the same names: their own, those of
// their province, their districts and towns, in the same order (ByPlaces).
func (c City) SamePlaces(other City) bool {
	return c.Name == other.Name && c.Province() == other.Province() && slices.EqualFunc(c.Regions, other.Regions, func(a, b Region) bool {
		return a.Name == b.Name && slices.Equal(a.Towns, b.Towns)
	})
}

// Region is one administrative division under the city.
type Region struct {
	Code string // 539902
	Name string // 岭东区
	// Towns are the 街道 and 乡镇 names an address is cut to when masked.
	Towns []string
}

// ClockConfig is one legal time limit.
type ClockConfig struct {
	Name string
	Days int // working days
}

// Department is one line of departments.yaml.
type Department struct {
	ID      string // GA
	Title   string // 公安局
	English string
	Code    string // its 统一社会信用代码
}
