// Package gateway answers what has been shared: it keeps the shared views in a
// cache, decides who may see which fields of them for which purpose, writes
// every decision to the audit topic before a byte of the answer leaves, and
// says how old each answer is.
package gateway
