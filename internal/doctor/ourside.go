package doctor

import (
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/internal/access"
)

// whatWasNotSeen comes first: it says how far the rest can be believed.
func (e *examination) whatWasNotSeen() {
	for _, u := range e.Unread {
		e.raise("not-seen", texts{"what": u.What, "error": u.Err.Error()})
	}
}

// noMTA: nothing to judge the wiring by.
func (e *examination) noMTA() {
	if e.Postfix == nil && e.Sendmail == nil && !e.Named {
		e.raise("no-mta", nil)
	}
}

// Ages at which a key should be replaced (D620).
const (
	agedKey = 180 * 24 * time.Hour
	oldKey  = 365 * 24 * time.Hour
)

// ourFiles judges the configuration, the tables and the keys.
func (e *examination) ourFiles() {
	for _, err := range e.Ours.Errs {
		e.raise("config-broken", texts{"file": e.configPath(), "error": err.Error()})
	}
	for _, err := range e.Ours.Warnings {
		e.raise("config-doubtful", texts{"file": e.configPath(), "error": err.Error()})
	}
	for _, err := range e.Ours.Rows {
		if e.closed(err.Error()) {
			e.raise("not-seen", texts{"what": "a key", "error": err.Error()})
			continue
		}
		e.raise("row-out-of-service", texts{"error": err.Error()})
	}
	for _, err := range e.Ours.Weak {
		e.raise("weak-key", texts{"error": err.Error()})
	}
	e.serviceReads()
	e.keyAges()
	if len(e.Ours.Errs) == 0 && !e.Ours.Missing && e.signs() && (e.Ours.Keys == 0 || e.Ours.Lines == 0) && e.Ours.Config.Store.URL == "" && e.Ours.Config.Sign.DefaultKey == "" {
		e.raise("nothing-signed", texts{"keys": e.Ours.Config.Sign.KeyTable, "lines": e.Ours.Config.Sign.SigningTable})
	}
}

// closed tells whether what keeps a row from working is that we may not read its file. Whether the service may is told by its modes.
func (f *Facts) closed(text string) bool {
	return slices.ContainsFunc(f.Ours.Files, func(file File) bool { return file.Closed && strings.Contains(text, file.Name) })
}

// serviceReads: what root wrote and reads may be closed to the user that the daemon runs as.
func (e *examination) serviceReads() {
	id := e.Users[serviceName]
	if id == nil {
		if !e.Ours.Missing {
			e.raise("no-service-user", nil)
		}
		return
	}
	for _, f := range e.Ours.Files {
		n, known := id.Blocked(f.Nodes, access.Read)
		if n == nil || !known {
			continue
		}
		e.raise("service-cannot-read", texts{"what": f.What, "path": f.Path(), "node": n.Describe(), "fix": id.OpenCommand(f.Nodes, n)})
	}
}

// keyAges takes the file's time for the key's.
func (e *examination) keyAges() {
	for _, f := range e.Ours.Files {
		if f.What != "key" || f.Time.IsZero() {
			continue
		}
		age := e.Now.Sub(f.Time)
		t := texts{"path": f.Path(), "date": f.Time.Format(time.DateOnly)}
		switch {
		case age > oldKey:
			e.raise("key-old", t)
		case age > agedKey:
			e.raiseAs("key-old", Note, t)
		}
	}
}

// theService is what systemd says.
func (e *examination) theService() {
	u := e.Unit
	if u == nil || !u.Loaded {
		return
	}
	if u.Active != "active" && u.Active != "reloading" && u.Active != "activating" && len(u.Sockets) == 0 {
		e.raise("unit-inactive", texts{"state": u.Active})
	}
	if strings.HasPrefix(u.Status, "reload failed") {
		e.raise("reload-failed", texts{"status": u.Status})
	}
}

// system judges clock and resolver.
func (e *examination) system() {
	newest := File{}
	for _, f := range e.Ours.Files {
		if f.Time.After(newest.Time) {
			newest = f
		}
	}
	const slack = 5 * time.Minute
	switch {
	case newest.Time.Sub(e.Now) > slack:
		e.raise("clock", texts{"found": "it is " + e.Now.UTC().Format(time.RFC3339) + ", and " + newest.Path() + " was written at " + newest.Time.UTC().Format(time.RFC3339)})
	case e.Clock.Err == nil && e.Clock.Unsynchronized:
		e.raiseAs("clock", Note, texts{"found": "the kernel says that nothing keeps it right (STA_UNSYNC)"})
	}
	r := e.Resolver
	switch {
	case r == nil:
	case r.Err != "":
		e.raise("resolver-silent", texts{"error": r.Err, "file": e.configPath()})
	case !r.Secure:
		e.raise("resolver-unvalidated", texts{"server": r.Server, "file": e.configPath()})
	}
}
