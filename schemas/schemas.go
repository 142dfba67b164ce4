// Package schemas is the contract between departments: which datasets may
// travel, what each field means and how far it may go (the catalogue), what a
// change is, and how a row looks in memory. These are the nouns; package manifest
// reads them from a folder of YAML. Everything else stands on this package, which
// imports nothing of the project but what an identifier is.
//
// The rooms beside it: manifest (a catalogue from its files), yunling (the sample
// city, embedded), condition (what a catalogue says in CEL), identifier and element (validation and normalisation of data
// elements), codec (Avro), contract (what stands in topics), keyring (keyed digests
// and tokens) and registry (a Confluent-compatible schema registry).
package schemas
