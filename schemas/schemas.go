// Package schemas is the contract between departments: which datasets may
// travel, what each field means and how far it may go (the catalogue), what a
// change is, and how a row looks in memory. It imports nothing of the project;
// everything else stands on it.
//
// Load reads a catalogue folder (schemas/yunling is the sample city, embedded
// as Yunling) and refuses the whole of it if one file is wrong. A loaded
// Catalogue is immutable and safe for concurrent use.
//
// The sub-packages: identifier and element (validation and normalisation of
// data elements), codec (Avro), keyring (keyed digests and tokens) and registry
// (a Confluent-compatible schema registry).
package schemas
