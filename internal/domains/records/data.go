package records

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"time"
)

// asJSON writes one sheet as an object, several as an array.
func asJSON(sheets []Sheet) (string, error) {
	var value any = sheets
	if len(sheets) == 1 {
		value = sheets[0]
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(value)
	return out.String(), err
}

// columns of a CSV file.
var columns = []string{"domain", "selector", "action", "until", "type", "host", "host_in_zone", "zone", "value", "ttl"}

// asCSV writes a line for each record (RFC 4180).
func asCSV(sheets []Sheet) (string, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	err := w.Write(columns)
	for _, s := range sheets {
		for _, r := range s.Records {
			until := ""
			if !r.Until.IsZero() {
				until = r.Until.UTC().Format(time.RFC3339)
			}
			if err == nil {
				err = w.Write([]string{
					s.Name, r.Selector, string(r.Action), until, r.Type, r.Host.Full, r.Host.InZone, s.Zone.Name, r.Value, strconv.Itoa(r.TTL),
				})
			}
		}
	}
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	return out.String(), err
}
