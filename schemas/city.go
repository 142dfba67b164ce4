package schemas

// City is city.yaml.
type City struct {
	Name    string        // 云岭市
	English string        // Yunling
	Region  string        // 539900
	Regions []Region      // districts, for addresses and codes
	Clocks  []ClockConfig // legal time limits in working days, by name ("dispute": 10)
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
