package synthetic

// unit is one household, enterprise or building group of a block. At most one
// thing is planted in it, so the subjects of any two plants are disjoint.
type unit uint8

const (
	unitFamily   unit = iota // slots 0-3: parents, a pupil, an infant
	unitTenants              // slots 4-6: parents and a pupil, resident elsewhere than registered
	unitElders               // slots 7-8: two pensioners
	unitSingle               // slot 9
	unitDivorced             // slots 10-11
	unitBereaved             // slots 12-13: a widow and her late husband
	unitRelief               // slots 14-16: a family on relief, and the shop of the block
	unitDisabled             // slot 17
	unitWedded               // slots 18-19: newlyweds
	unitEmployer             // the enterprise the block's people work at
	unitFirm                 // another enterprise or a social organisation
	unitGround               // buildings; in some blocks a large employer
	unitCount
)

// kindID names one way of planting.
type kindID uint8

const (
	none kindID = iota
	nameAtSchool
	sexWrong
	birthWrong
	infantUnregistered
	pupilAbsent
	pupilTwice
	insuredTwice
	idMistypedRS
	addressUnlisted
	idReplacedRS
	nameAtInsurance
	idMistypedGA
	fixedAtOnce
	nameAtWork
	nationUnknown
	plateUnlisted
	idMistypedYB
	divorceUnknown
	divorceNextSecond
	paidCertificate
	paidCremation
	paidReinstated
	deadInsured
	deadRelief
	deadReliefAfter
	deathDates
	cremationBefore
	deadRegistered
	deadDisabled
	widowBook
	widowRegister
	deathRevoked
	paidFixed
	reliefCar
	reliefHomes
	reliefFirm
	reliefWage
	cardExpired
	cardNone
	idCorrected
	weddingUnknown
	weddedTwice
	weddedStated
	countTax
	countFund
	codeTwice
	codeMistypedSP
	codeMistypedRS
	codeMistypedSC
	leaderLagSW
	leaderLagRS
	nameOldSW
	cancelledTaxed
	cancelledInsured
	licenceListed
	licenceCancelled
	licenceLate
	licenceHidden
	firmUninsured
	cardRegraded
	cardMistyped
	pupilMistyped
	licenceMistyped
)

// kind is a row of the list of what is planted. Either share (a fraction of
// the blocks, at all sizes) or few (at size tiny; ten times that at size city,
// thirty times at size big) says how often. fix lists the departments whose
// correction stream mends every second one; a kind without it is a trap: it
// looks like a fault on the way and contradicts nothing in the end.
type kind struct {
	id    kindID
	unit  unit
	share float64
	few   int
	fix   []department
}

var kinds = []kind{
	{nameAtSchool, unitFamily, 0.13, 0, []department{jy}},
	{sexWrong, unitFamily, 0, 3, []department{ga}},
	{birthWrong, unitFamily, 0, 3, []department{ga}},
	{infantUnregistered, unitFamily, 0, 4, []department{ga, yb}},
	{pupilAbsent, unitFamily, 0, 4, []department{jy}},
	{pupilTwice, unitFamily, 0, 4, []department{jy}},
	{insuredTwice, unitFamily, 0, 4, []department{yb}},

	{idMistypedRS, unitTenants, 0.10, 0, []department{rs}},
	{addressUnlisted, unitTenants, 0, 6, []department{ga}},
	{idReplacedRS, unitTenants, 0, 4, nil},
	{pupilMistyped, unitTenants, 0, 4, []department{jy}},

	{nameAtInsurance, unitElders, 0.13, 0, []department{yb}},
	{idMistypedGA, unitElders, 0.05, 0, []department{ga, rs, yb}},
	{fixedAtOnce, unitElders, 0, 4, nil},

	{nameAtWork, unitSingle, 0.14, 0, []department{rs}},
	{nationUnknown, unitSingle, 0, 4, []department{ga}},
	{plateUnlisted, unitSingle, 0, 3, []department{ga}},
	{idMistypedYB, unitSingle, 0.05, 0, []department{yb}},

	{divorceUnknown, unitDivorced, 0.10, 0, []department{ga}},
	{divorceNextSecond, unitDivorced, 0, 4, nil},

	{paidCertificate, unitBereaved, 0, 6, []department{rs}},
	{paidCremation, unitBereaved, 0, 3, []department{rs}},
	{paidReinstated, unitBereaved, 0, 3, []department{rs}},
	{deadInsured, unitBereaved, 0, 4, []department{yb}},
	{deadRelief, unitBereaved, 0, 3, []department{mz}},
	{deadReliefAfter, unitBereaved, 0, 2, nil},
	{deathDates, unitBereaved, 0, 4, []department{mz}},
	{cremationBefore, unitBereaved, 0, 3, []department{mz}},
	{deadRegistered, unitBereaved, 0, 4, []department{ga}},
	{deadDisabled, unitBereaved, 0, 3, []department{mz}},
	{widowBook, unitBereaved, 0, 4, []department{ga}},
	{widowRegister, unitBereaved, 0, 4, []department{mz}},
	{deathRevoked, unitBereaved, 0, 4, nil},
	{paidFixed, unitBereaved, 0, 4, nil},

	{reliefCar, unitRelief, 0, 4, []department{ga}},
	{reliefHomes, unitRelief, 0, 4, []department{zr}},
	{reliefFirm, unitRelief, 0, 4, []department{sc}},
	{reliefWage, unitRelief, 0, 4, []department{rs}},

	{cardExpired, unitDisabled, 0, 4, []department{cl}},
	{cardNone, unitDisabled, 0, 3, []department{cl}},
	{idCorrected, unitDisabled, 0, 4, nil},
	{cardRegraded, unitDisabled, 0, 4, []department{cl}},
	{cardMistyped, unitDisabled, 0, 3, []department{cl}},

	{weddingUnknown, unitWedded, 0.20, 0, []department{ga}},
	{weddedTwice, unitWedded, 0, 4, []department{mz}},
	{weddedStated, unitWedded, 0, 4, []department{mz}},

	{countTax, unitEmployer, 0.12, 0, []department{sw}},
	{countFund, unitEmployer, 0.06, 0, []department{gj}},

	{codeTwice, unitFirm, 0, 5, []department{mz}},
	{codeMistypedSP, unitFirm, 0, 2, []department{sp}},
	{codeMistypedRS, unitFirm, 0, 2, []department{rs}},
	{codeMistypedSC, unitFirm, 0, 2, []department{sc, sw}},
	{leaderLagSW, unitFirm, 0.05, 0, []department{sw}},
	{leaderLagRS, unitFirm, 0.04, 0, []department{rs}},
	{nameOldSW, unitFirm, 0, 3, []department{sw}},
	{cancelledTaxed, unitFirm, 0, 8, []department{sw}},
	{cancelledInsured, unitFirm, 0, 4, []department{rs}},
	{licenceListed, unitFirm, 0, 4, []department{sp}},
	{licenceCancelled, unitFirm, 0, 4, []department{sp}},
	{licenceLate, unitFirm, 0, 4, []department{sp}},
	{licenceHidden, unitFirm, 0, 4, []department{sp}},
	{firmUninsured, unitFirm, 0, 4, []department{sw}},
	{licenceMistyped, unitFirm, 0, 4, []department{sp}},
}

// Finding is one contradiction that the rules must find.
type Finding struct {
	Rule      string `json:"rule"`
	Case      string `json:"case"`
	Entity    string `json:"entity"`
	Key       string `json:"key"`
	Owner     string `json:"owner"`
	Corrected bool   `json:"corrected"`
}
