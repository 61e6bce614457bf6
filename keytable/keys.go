package keytable

import (
	"iter"
	"sync"
	"sync/atomic"

	"github.com/postseal/postseal/dkim"
)

// keys are the rows of a KeyTable and what is known about each key. There may be
// 100,000, so rows are compact: their texts are parts of the file's text, and the
// maps lead to the first of a chain of rows only.
type keys struct {
	table    table
	rows     []keyRow
	byName   map[string]int32           // first line of a NAME
	byDomain func() map[string][]int32  // rows of a d=, for those whom the configuration names
	scanned  map[int32]map[string]int32 // of a line fromScan: domain -> row
	folded   func() map[string]string   // NAME in lower case -> NAME

	cache    *cache
	lastGood map[int32]*dkim.PrivateKey // of rows whose key is another than in the tables before
	notice   func(Problem)

	// What is learned about a row, at load and while serving.
	bad       []atomic.Pointer[outage]
	algorithm []atomic.Uint32 // dkim.Algorithm of a key that was read and is good
	print     []atomic.Pointer[dkim.Fingerprint]
}

func (k *keys) load(o Options, fatal *Problems) {
	k.cache = cacheFor(o)
	k.notice = o.Notice
	if k.notice == nil {
		k.notice = func(Problem) {}
	}
	var faults []rowFault
	if o.KeyTable != "" {
		faults = k.parse(o.KeyTable, fatal)
	}
	k.chainNames()
	k.folded = sync.OnceValue(k.foldedNames)
	faults = append(faults, k.scan()...)
	k.byDomain = sync.OnceValue(k.rowsByDomain)

	k.bad = make([]atomic.Pointer[outage], len(k.rows))
	k.algorithm = make([]atomic.Uint32, len(k.rows))
	k.print = make([]atomic.Pointer[dkim.Fingerprint], len(k.rows))
	k.retireAll(faults)
	k.checkNames()
	unreadable := k.pinAll()
	if o.Prev != nil {
		k.inherit(&o.Prev.keys)
	}
	k.retireAll(unreadable)
}

// parse reads the table. Rows that cannot work stay: a message that comes to them
// goes unsigned instead of being signed by a broader row.
func (k *keys) parse(spec string, fatal *Problems) (faults []rowFault) {
	var err error
	if k.table, _, err = openTable(spec); err != nil {
		*fatal = append(*fatal, Problem{Path: k.table.path, Message: "cannot read the KeyTable: " + err.Error(), Hint: tableHint(err, k.table.path, "sign.keytable")})
		return nil
	}
	k.rows = make([]keyRow, 0, k.table.lineCount())
	k.table.eachLine(fatal, func(line int, text string) {
		row, syntax, fault := parseKeyRow(text)
		if syntax != nil {
			k.table.fail(fatal, line, *syntax)
			return
		}
		if fault == nil && row.source == fromLine && k.table.public {
			fault = &keyFault{
				message: "every user of this host can read or change the private key in this line",
				hint:    "chmod o-rwx " + k.table.path,
			}
		}
		if fault != nil {
			faults = append(faults, rowFault{int32(len(k.rows)), fault})
		}
		row.line = int32(line)
		k.rows = append(k.rows, row)
	})
	return faults
}

// chainNames links the lines of each NAME in their order.
func (k *keys) chainNames() {
	k.byName = make(map[string]int32, len(k.rows))
	for i := len(k.rows) - 1; i >= 0; i-- {
		r := &k.rows[i]
		if after, ok := k.byName[r.name]; ok {
			r.next = after
		}
		k.byName[r.name] = int32(i)
	}
}

// rowsByDomain leads from a domain to its rows in their order.
func (k *keys) rowsByDomain() map[string][]int32 {
	rows := make(map[string][]int32, len(k.rows))
	for i := range k.rows {
		rows[k.rows[i].domain] = append(rows[k.rows[i].domain], int32(i))
	}
	return rows
}

// foldedNames leads from a NAME in lower case to the NAME.
func (k *keys) foldedNames() map[string]string {
	folded := make(map[string]string, len(k.byName))
	for name := range k.byName {
		folded[lower(name)] = name
	}
	return folded
}

// named yields the lines of a NAME, each with the row that has the key for a
// domain: the line itself, or what it found in its directory, or none.
func (k *keys) named(name, domain string) iter.Seq2[int32, int32] {
	return func(yield func(line, row int32) bool) {
		line, ok := k.byName[name]
		if !ok {
			return
		}
		for ; line != none; line = k.rows[line].next {
			row := line
			if k.rows[line].source == fromScan {
				if row, ok = k.scanned[line][domain]; !ok {
					row = none
				}
			}
			if !yield(line, row) {
				return
			}
		}
	}
}
