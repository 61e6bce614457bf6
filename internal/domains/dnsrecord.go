package domains

// DNSRecord is one record that belongs into DNS: in a customer's zone, or in the
// key zone that the operator runs.
type DNSRecord struct {
	Zone  string `json:"zone"`  // apex of the zone, without final dot
	Name  string `json:"name"`  // whole name in lower-case A-labels, without final dot
	Type  string `json:"type"`  // TXT or CNAME
	Value string `json:"value"` // TXT: the text in one piece; CNAME: the target, without final dot
	TTL   int    `json:"ttl"`   // seconds
}
