// Package contract is what stands in topics: their names and how they are kept,
// headers, states, step names, labels of tokens and digests, fixed layouts. The
// wings meet nowhere else, so each of these is spelled here and only here, and
// whoever writes or reads one takes it from here.
//
// It imports the ground, schemas, and nothing else of the house; package bus
// carries what it names as bytes.
package contract
