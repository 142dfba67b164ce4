package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary stand in for the command: every test finds
// "yiyuan" on its PATH, instrumented as the tests are.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"yiyuan": main})
}
