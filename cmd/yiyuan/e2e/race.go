//go:build race

package e2e

var instrumented = []string{"-race"}
