package world

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
	fix   []Department
}

var kinds = []kind{
	{nameAtSchool, unitFamily, 0.13, 0, []Department{jy}},
	{sexWrong, unitFamily, 0, 3, []Department{ga}},
	{birthWrong, unitFamily, 0, 3, []Department{ga}},
	{infantUnregistered, unitFamily, 0, 4, []Department{ga, yb}},
	{pupilAbsent, unitFamily, 0, 4, []Department{jy}},
	{pupilTwice, unitFamily, 0, 4, []Department{jy}},
	{insuredTwice, unitFamily, 0, 4, []Department{yb}},

	{idMistypedRS, unitTenants, 0.10, 0, []Department{rs}},
	{addressUnlisted, unitTenants, 0, 6, []Department{ga}},
	{idReplacedRS, unitTenants, 0, 4, nil},
	{pupilMistyped, unitTenants, 0, 4, []Department{jy}},

	{nameAtInsurance, unitElders, 0.13, 0, []Department{yb}},
	{idMistypedGA, unitElders, 0.05, 0, []Department{ga, rs, yb}},
	{fixedAtOnce, unitElders, 0, 4, nil},

	{nameAtWork, unitSingle, 0.14, 0, []Department{rs}},
	{nationUnknown, unitSingle, 0, 4, []Department{ga}},
	{plateUnlisted, unitSingle, 0, 3, []Department{ga}},
	{idMistypedYB, unitSingle, 0.05, 0, []Department{yb}},

	{divorceUnknown, unitDivorced, 0.10, 0, []Department{ga}},
	{divorceNextSecond, unitDivorced, 0, 4, nil},

	{paidCertificate, unitBereaved, 0, 6, []Department{rs}},
	{paidCremation, unitBereaved, 0, 3, []Department{rs}},
	{paidReinstated, unitBereaved, 0, 3, []Department{rs}},
	{deadInsured, unitBereaved, 0, 4, []Department{yb}},
	{deadRelief, unitBereaved, 0, 3, []Department{mz}},
	{deadReliefAfter, unitBereaved, 0, 2, nil},
	{deathDates, unitBereaved, 0, 4, []Department{mz}},
	{cremationBefore, unitBereaved, 0, 3, []Department{mz}},
	{deadRegistered, unitBereaved, 0, 4, []Department{ga}},
	{deadDisabled, unitBereaved, 0, 3, []Department{mz}},
	{widowBook, unitBereaved, 0, 4, []Department{ga}},
	{widowRegister, unitBereaved, 0, 4, []Department{mz}},
	{deathRevoked, unitBereaved, 0, 4, nil},
	{paidFixed, unitBereaved, 0, 4, nil},

	{reliefCar, unitRelief, 0, 4, []Department{ga}},
	{reliefHomes, unitRelief, 0, 4, []Department{zr}},
	{reliefFirm, unitRelief, 0, 4, []Department{sc}},
	{reliefWage, unitRelief, 0, 4, []Department{rs}},

	{cardExpired, unitDisabled, 0, 4, []Department{cl}},
	{cardNone, unitDisabled, 0, 3, []Department{cl}},
	{idCorrected, unitDisabled, 0, 4, nil},
	{cardRegraded, unitDisabled, 0, 4, []Department{cl}},
	{cardMistyped, unitDisabled, 0, 3, []Department{cl}},

	{weddingUnknown, unitWedded, 0.20, 0, []Department{ga}},
	{weddedTwice, unitWedded, 0, 4, []Department{mz}},
	{weddedStated, unitWedded, 0, 4, []Department{mz}},

	{countTax, unitEmployer, 0.12, 0, []Department{sw}},
	{countFund, unitEmployer, 0.06, 0, []Department{gj}},

	{codeTwice, unitFirm, 0, 5, []Department{mz}},
	{codeMistypedSP, unitFirm, 0, 2, []Department{sp}},
	{codeMistypedRS, unitFirm, 0, 2, []Department{rs}},
	{codeMistypedSC, unitFirm, 0, 2, []Department{sc, sw}},
	{leaderLagSW, unitFirm, 0.05, 0, []Department{sw}},
	{leaderLagRS, unitFirm, 0.04, 0, []Department{rs}},
	{nameOldSW, unitFirm, 0, 3, []Department{sw}},
	{cancelledTaxed, unitFirm, 0, 8, []Department{sw}},
	{cancelledInsured, unitFirm, 0, 4, []Department{rs}},
	{licenceListed, unitFirm, 0, 4, []Department{sp}},
	{licenceCancelled, unitFirm, 0, 4, []Department{sp}},
	{licenceLate, unitFirm, 0, 4, []Department{sp}},
	{licenceHidden, unitFirm, 0, 4, []Department{sp}},
	{firmUninsured, unitFirm, 0, 4, []Department{sw}},
	{licenceMistyped, unitFirm, 0, 4, []Department{sp}},
}

// Finding is one contradiction that the rules must find, as the truth file writes it.
type Finding struct {
	Rule      string `json:"rule"`
	Case      string `json:"case"`
	Entity    string `json:"entity"`
	Key       string `json:"key"`
	Owner     string `json:"owner"`
	Corrected bool   `json:"corrected"` // the correction stream mends it
}
