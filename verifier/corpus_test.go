package verifier

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// corpus is where TestCorpus writes the rows, for judges that live outside Go (test/verdicts).
var corpus = flag.String("corpus", "", "write the test messages with their zones and our verdicts into this file")

// judged is a row as another implementation needs it: a message, what DNS says, the time, and our verdict.
type judged struct {
	Name    string                `json:"name"`
	Message []byte                `json:"message"`
	Zone    map[string]judgedName `json:"zone"`
	Time    int64                 `json:"time"` // seconds since 1970
	Status  string                `json:"status"`
	Reason  string                `json:"reason"`
}

type judgedName struct {
	TXT    []string `json:"txt"`
	Failed bool     `json:"failed"` // the look-up ends without an answer
}

// TestCorpus writes every row that needs no option of ours.
func TestCorpus(t *testing.T) {
	path := *corpus
	if path == "" {
		path = filepath.Join(t.TempDir(), "corpus.json")
	}
	var rows []judged
	for _, r := range slices.Concat(headerRows(), bodyRows(), tagRows(), keyRows(), numberRows()) {
		if !reflect.DeepEqual(r.options, Options{}) {
			continue
		}
		message, z := r.make(t)
		names := make(map[string]judgedName, len(z))
		for name, records := range z {
			names[name] = judgedName{TXT: records.txt, Failed: records.err != nil}
		}
		rows = append(rows, judged{r.name, []byte(message), names, noon.Unix(), string(r.status), string(r.reason)})
	}
	text, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if len(rows) < 100 {
		t.Errorf("only %d rows", len(rows))
	}
}
