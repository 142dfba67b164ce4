// Package simulation runs the whole system in one deterministic bubble and holds
// what it did against an independent checker. It has no code of its own beside
// its tests: nothing imports it and nothing is shipped.
//
// One run is one seed. Inside a testing/synctest bubble stand an embedded broker
// of two nodes behind pipes, connectors with scripted departments, the steps over
// Pebble on a disk that can lose what was not synced, a cache, and a gateway that
// is asked through its handler. The seed fixes the data, the faults and when they
// come; only the order in which goroutines run is Go's own. A run takes seconds of
// the bubble's clock and hundredths of a second of ours.
//
// Departments date what they say as they like, months old or days ahead, and the
// broker meanwhile deletes what is past its time. A department's system may be put
// back to an earlier state and go on from there with other content: its source must
// fail, stay so over restarts, and be read again when a person says so. One
// may deliver nothing for long, and until then nobody is not there. Two
// applications press two gateways for more than they may have.
//
// What is said, asked, answered and written is a history, one JSON object a line,
// that testdata/checker.py judges: it shares no code with the system, folds the
// departments' changes on its own and says which promise was broken. Mutants, a
// dozen and more deliberate faults put into the system by wrappers, prove that it
// would notice.
//
//	YIYUAN_SIM_SEEDS=n[,from]   how many seeds TestSimulation runs, from which on
//	YIYUAN_SIM_KEEP=dir         keep the histories there
//
// A seed that failed once is kept in testdata/seeds and runs first, for ever.
package simulation
