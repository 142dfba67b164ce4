package e2e

import (
	"os"
	"slices"
	"strconv"
	"testing"
)

// quarters are the fault tests, which take longest, and what takes as long: `make test` runs one quarter, chosen by the commit (deploy/testbed/gotest sets
// YIYUAN_TEST_TURN), so that four commits in a row run them all; `make chaos` and a plain `go test` run them all. Each quarter takes about
// as long as the others: docs/testing.md.
var quarters = [4][]string{
	{"TestFaultBroker", "TestFaultCity/keys_rotated", "TestFaultCity/squeezed", "TestFaultSchema", "TestGoldenFieldComesAndGoes", "TestGoldenAndFindingsEqualOracle/seed_1"},
	{"TestUpgradeFromTheFirstRelease", "TestFaultCity/roles_killed", "TestFaultCity/poison", "TestFaultRegistry", "TestDemoBase", "TestFaultResync", "TestForeignSchemaIsRetired", "TestGoldenAndFindingsEqualOracle/seed_2"},
	{"TestFaultPartition", "TestFaultCity/processor_stopped", "TestFaultCity/disk_full", "TestFaultAnswers", "TestGoldenAndFindingsEqualOracle/seed_3"},
	{"TestKilledHalfWay", "TestFaultCity/drop_folder_full", "TestFaultRetention", "TestFaultSource", "TestLostTopics", "TestTopicGrown", "TestPlanJudgesWhatTheStartReads", "TestGoldenAndFindingsEqualOracle/seed_4"},
}

// always are the fault tests that every commit runs: what may show a personal value.
var always = []string{"TestFaultDoors"}

// InTurn skips a test of another quarter than the one whose turn it is.
func InTurn(t *testing.T) {
	t.Helper()
	quarter := slices.IndexFunc(quarters[:], func(names []string) bool { return slices.Contains(names, t.Name()) }) + 1
	if quarter == 0 {
		t.Fatalf("%s is in no quarter: add it to quarters", t.Name())
	}
	turn := os.Getenv("YIYUAN_TEST_TURN")
	if turn == "" || turn == "all" || Long() {
		return
	}
	if n, err := strconv.Atoi(turn); err != nil || n < 1 || n > len(quarters) {
		t.Fatalf("YIYUAN_TEST_TURN=%s: all, or 1 to %d", turn, len(quarters))
	} else if n != quarter {
		t.Skipf("in turn %d of %d", quarter, len(quarters))
	}
}

// Long says whether this is the long run, make chaos.
func Long() bool { return os.Getenv("YIYUAN_TEST_CHAOS") != "" }

// LongOnly skips what only the long run does.
func LongOnly(t *testing.T) {
	t.Helper()
	if !Long() {
		t.Skip("part of make chaos")
	}
}
