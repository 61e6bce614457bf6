package drivers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// Exec has a program write DNS: one for the API of a provider. docs/drivers.md has the
// protocol; Question, Found, Order and Done are its JSON.
type Exec struct {
	Command []string // absolute path, arguments
	Timeout time.Duration
}

// protocolVersion is that of the JSON.
const protocolVersion = 1

// Question is what the program gets to find out what stands at names.
type Question struct {
	Version int      `json:"version"`
	Action  string   `json:"action"` // "plan"
	Zone    string   `json:"zone"`
	Names   []string `json:"names"`
}

// Found is its answer: every TXT and CNAME record at these names, whoever wrote it.
type Found struct {
	Records []Entry `json:"records"`
}

// Entry is one record; TXT with its text in one piece, CNAME with or without final dot.
type Entry struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
	TTL   int    `json:"ttl,omitempty"`
}

// Order is what the program gets to make changes.
type Order struct {
	Version int       `json:"version"`
	Action  string    `json:"action"` // "apply"
	Zone    string    `json:"zone"`
	Changes []Ordered `json:"changes"`
}

// Ordered is one change.
type Ordered struct {
	Do string `json:"do"` // add, replace or remove
	Entry
	Was []Entry `json:"was"` // what stands there now, and nothing else may be removed
}

// Done is its answer; without any output exit code 0 means that all is done.
type Done struct {
	Results []struct {
		Name    string `json:"name"`
		Type    string `json:"type"`
		Done    bool   `json:"done"`
		Foreign bool   `json:"foreign"` // something else stands there by now
		Error   string `json:"error"`
	} `json:"results"`
}

// Plan implements domains.DNSWriter.
func (d *Exec) Plan(ctx context.Context, zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	q := Question{Version: protocolVersion, Action: "plan", Zone: zone}
	for i := range changes {
		q.Names = append(q.Names, changes[i].Name)
	}
	reply, err := d.ask(ctx, zone, "plan", q)
	if err != nil {
		return nil, err
	}
	standing, err := parseFound(reply, zone)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Command[0], err)
	}
	out := make([]domains.DNSOutcome, len(changes))
	for i := range changes {
		out[i] = judged(&changes[i], standing[changes[i].Name])
	}
	return out, nil
}

// Apply implements domains.DNSWriter: what stands there is asked for first, and only what
// is in nobody's way is ordered.
func (d *Exec) Apply(ctx context.Context, zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	out, err := d.Plan(ctx, zone, changes)
	if err != nil {
		return untouched(len(changes), err), nil
	}
	order := Order{Version: protocolVersion, Action: "apply", Zone: zone}
	var places []int
	for i := range changes {
		if v := out[i].Verdict; v == domains.DNSSame || v == domains.DNSForeign {
			continue
		}
		c := Ordered{Do: string(out[i].Verdict), Entry: entryOf(changes[i].DNSRecord), Was: []Entry{}}
		for _, r := range out[i].Was {
			c.Was = append(c.Was, entryOf(r))
		}
		order.Changes, places = append(order.Changes, c), append(places, i)
	}
	if len(places) == 0 {
		return out, nil
	}
	reply, err := d.ask(ctx, zone, "apply", order)
	for _, i := range places {
		out[i].Touched, out[i].Err = true, err
	}
	if err != nil {
		return out, nil
	}
	if err := parseDone(reply, changes, places, out); err != nil {
		for _, i := range places {
			out[i].Err = fmt.Errorf("%s: %w", d.Command[0], err)
		}
	}
	return out, nil
}

func untouched(n int, err error) []domains.DNSOutcome {
	out := make([]domains.DNSOutcome, n)
	for i := range out {
		out[i].Err = err
	}
	return out
}

func entryOf(r domains.DNSRecord) Entry {
	return Entry{Name: r.Name, Type: r.Type, Value: r.Value, TTL: r.TTL}
}

func (d *Exec) ask(ctx context.Context, zone, action string, question any) ([]byte, error) {
	input, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	return run(ctx, d.Timeout, d.Command, append(input, '\n'), "POSTSEAL_ACTION="+action, "POSTSEAL_ZONE="+zone)
}

// maxFound bounds what one answer may tell of.
const maxFound = 100_000

// parseFound reads what stands at names.
func parseFound(reply []byte, zone string) (map[string][]domains.DNSRecord, error) {
	var found Found
	if err := decode(reply, &found); err != nil {
		return nil, fmt.Errorf("its answer to \"plan\" cannot be read: %w", err)
	}
	if found.Records == nil {
		return nil, errors.New(`its answer to "plan" has no "records": without them nobody knows whose record stands there; say {"records": []} for none`)
	}
	if len(found.Records) > maxFound {
		return nil, fmt.Errorf("its answer has more than %d records", maxFound)
	}
	out := map[string][]domains.DNSRecord{}
	for _, e := range found.Records {
		r := domains.DNSRecord{Zone: zone, Name: plain(e.Name), Type: strings.ToUpper(e.Type), Value: e.Value, TTL: e.TTL}
		if r.Name != zone && !strings.HasSuffix(r.Name, "."+zone) { // a relative name would be taken for nothing that is asked about
			return nil, fmt.Errorf("its answer tells of %.100q, which is not in the zone %s: names have to be whole", e.Name, zone)
		}
		if r.Type == "CNAME" {
			r.Value = plain(r.Value)
		}
		out[r.Name] = append(out[r.Name], r)
	}
	return out, nil
}

// parseDone reads what became of changes. None is taken for done that the answer does not
// tell of, if it tells of any.
func parseDone(reply []byte, changes []domains.DNSChange, places []int, out []domains.DNSOutcome) error {
	if len(bytes.TrimSpace(reply)) == 0 {
		return nil
	}
	var done Done
	if err := decode(reply, &done); err != nil {
		return fmt.Errorf("its answer to \"apply\" cannot be read: %w", err)
	}
	for _, i := range places {
		out[i].Err = errors.New("its answer says nothing of " + changes[i].Name)
		for _, r := range done.Results {
			if plain(r.Name) != changes[i].Name || !strings.EqualFold(r.Type, changes[i].Type) {
				continue
			}
			switch out[i].Err = nil; {
			case r.Foreign:
				out[i].Verdict, out[i].Touched = domains.DNSForeign, false
			case !r.Done:
				out[i].Err = fmt.Errorf("not done: %.300q", r.Error)
			}
		}
	}
	return nil
}

func decode(reply []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(reply))
	if err := d.Decode(into); err != nil {
		return errors.New("it is no JSON of this kind: " + err.Error())
	}
	if d.More() {
		return errors.New("something follows the JSON")
	}
	return nil
}

func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
