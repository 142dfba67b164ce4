package world

// slot is what a place in a block says about the age of who lives there.
type slot struct {
	male, female bool // both: drawn by lot
	min, span    int  // age in days: min <= age < min+span
}

const (
	peoplePerBlock = 20
	year           = 365
)

// slots are the twenty people of a block. The spans are at least 1,500 days
// long: with 25 serial numbers a slot and day they hold the largest city.
var slots = [peoplePerBlock]slot{
	0: {true, false, 36 * year, 14 * year}, 1: {false, true, 34 * year, 14 * year}, // young family
	2: {true, true, 7 * year, 6 * year}, 3: {true, true, year, 5 * year},
	4: {true, false, 41 * year, 14 * year}, 5: {false, true, 39 * year, 14 * year}, // tenants
	6: {true, true, 12 * year, 6 * year},
	7: {true, false, 60 * year, 25 * year}, 8: {false, true, 55 * year, 25 * year}, // pensioners
	9:  {true, true, 19 * year, 11 * year},                                           // single
	10: {true, false, 35 * year, 20 * year}, 11: {false, true, 33 * year, 20 * year}, // divorced
	12: {false, true, 66 * year, 20 * year}, 13: {true, false, 70 * year, 20 * year}, // widow, deceased
	14: {true, false, 38 * year, 16 * year}, 15: {false, true, 36 * year, 16 * year}, // on relief
	16: {true, true, 7 * year, 6 * year}, 17: {true, true, 25 * year, 35 * year}, // disabled
	18: {true, false, 24*year + 200, 8 * year}, 19: {false, true, 24*year + 200, 8 * year}, // newlyweds
}

// outsider kinds: people who appear in a row of the city but are not of it.
const (
	outPupil    = iota
	outSpouse   // up to three a block: two wives and a husband
	outEmployee // three a block
	outFormer   // a number that was wrong and is corrected
	outsiderKinds
)

var outsiders = [outsiderKinds]slot{
	outPupil:    {true, true, 8 * year, 6 * year},
	outSpouse:   {false, true, 30 * year, 20 * year},
	outEmployee: {true, true, 25 * year, 20 * year},
	outFormer:   {true, true, 25 * year, 35 * year},
}

func slotSpan(s int) int {
	if s < peoplePerBlock {
		return slots[s].span
	}
	return outsiders[s-peoplePerBlock].span
}
