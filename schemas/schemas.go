// Package schemas is the contract between departments: which datasets may
// travel, what each field means and how far it may go (the catalogue), what a
// change is, and how a row looks in memory. It imports nothing of the project;
// everything else stands on it.
//
// Load reads a catalogue folder (schemas/yunling is the sample city, embedded
// as Yunling) and refuses the whole of it if one file is wrong. A loaded
// Catalogue is immutable and safe for concurrent use. Every problem names its
// file, line and column, what is wrong and what to do, in Chinese and English;
// testdata/refuse shows them all. Evolve says what a new catalogue would change
// of a published one, newly exposed fields first.
//
// Conditions (CEL) are only checked for the fields they read from their row;
// package verification and package authority compile them.
//
// The sub-packages: identifier and element (validation and normalisation of
// data elements), codec (Avro), keyring (keyed digests and tokens) and registry
// (a Confluent-compatible schema registry).
package schemas
