package store

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// rounds are those stories of keys that PostgreSQL could spoil: several hands at once, rows read and written by different processes.
// All of them take five minutes there: POSTSEAL_TEST_STORE=URL go test ./internal/domains.
var rounds = []string{
	"TestFromAddToConnected", "TestTwoOperatorsAtOnce", "TestOneKeeperAtATime", "TestFencing", "TestRotationDuringARotation",
	"TestSelectorTakenMeanwhile", "TestChecksKnowTheStore", "TestDryRun", "TestRequirement",
}

// numbers are the parts of TestRequirement that are told.
const numbers = "INF-16|INF-17|INF-28|KAR-7|OCR-18|TST-8|TST-9|MA-15|MA-17"

// In memory, where they run with every change, rows cannot be wrong in the ways of a database.
func TestLifeOnPostgreSQL(t *testing.T) {
	run := "^(" + strings.Join(rounds, "|") + ")$/^(" + numbers + "|D.*)$"
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-timeout=25m", "-v", "-run", run, "github.com/postseal/postseal/internal/domains")
	cmd.Env = append(os.Environ(), "POSTSEAL_TEST_STORE="+newDatabase(t))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	for _, name := range rounds {
		if !strings.Contains(string(out), "--- PASS: "+name+" ") {
			t.Errorf("%s did not run:\n%s", name, out)
		}
	}
}
