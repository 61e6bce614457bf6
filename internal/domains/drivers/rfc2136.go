package drivers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/postseal/postseal/internal/dns/update"
	"github.com/postseal/postseal/internal/domains"
)

// RFC2136 writes by dynamic updates to the primary name server of its zones, signed with
// a TSIG key.
type RFC2136 struct {
	Server     string // HOST:PORT
	KeyFile    string // see update.ReadKey; read for each batch, so that it can be replaced
	Credential string // of systemd, instead of KeyFile
	Key        string // name of the key; empty: the only one of the file
	Algorithm  string // empty: that of the file
	TCP        bool
	Timeout    time.Duration
}

// Ready tells whether the key can be read.
func (d *RFC2136) Ready() error {
	_, err := d.server()
	return err
}

func (d *RFC2136) server() (*update.Server, error) {
	path := d.KeyFile
	if d.Credential != "" {
		dir := os.Getenv("CREDENTIALS_DIRECTORY") // systemd.exec(5)
		if dir == "" {
			return nil, fmt.Errorf("credential %s: $CREDENTIALS_DIRECTORY is not set: the unit needs LoadCredential=%s:PATH", d.Credential, d.Credential)
		}
		path = filepath.Join(dir, filepath.Base(d.Credential))
	}
	key, err := update.ReadKey(path, d.Key, d.Algorithm)
	if err != nil {
		return nil, fmt.Errorf("the TSIG key cannot be used: %w", err)
	}
	return &update.Server{Address: d.Server, Key: key, TCP: d.TCP, Timeout: d.Timeout}, nil
}

// Plan implements domains.DNSWriter.
func (d *RFC2136) Plan(ctx context.Context, zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	server, err := d.server()
	if err != nil {
		return nil, err
	}
	out := make([]domains.DNSOutcome, len(changes))
	for i := range changes {
		before, err := server.Look(ctx, zone, changes[i].Name)
		if err != nil {
			return nil, err
		}
		out[i] = judged(&changes[i], plainRecords(zone, before.Records))
		if out[i].Verdict == domains.DNSForeign && changes[i].Value != "" && server.MayAdd(ctx, zone, wireRecord(changes[i].DNSRecord)) == nil {
			out[i] = judged(&changes[i], nil) // what we saw is a wildcard's
		}
	}
	return out, nil
}

// Apply implements domains.DNSWriter. Each change is an update of its own. A server that
// gives no answer is not waited for again.
func (d *RFC2136) Apply(ctx context.Context, zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	out := make([]domains.DNSOutcome, len(changes))
	server, away := d.server()
	for i := range changes {
		if away != nil {
			out[i].Err = away
			continue
		}
		out[i] = d.apply(ctx, server, zone, &changes[i])
		var unreachable *update.UnreachableError
		if errors.As(out[i].Err, &unreachable) {
			away = out[i].Err
		}
	}
	return out, nil
}

// apply makes one change. Whoever changes the name between our look and our update makes
// the server refuse it: then we look once more.
func (d *RFC2136) apply(ctx context.Context, server *update.Server, zone string, c *domains.DNSChange) (o domains.DNSOutcome) {
	for range 2 {
		before, err := server.Look(ctx, zone, c.Name)
		if err != nil {
			o.Err = err
			return o
		}
		o = judged(c, plainRecords(zone, before.Records))
		switch o.Verdict {
		case domains.DNSSame:
			return o
		case domains.DNSReplace:
			err = server.Replace(ctx, zone, before, wireRecord(c.DNSRecord))
		case domains.DNSRemove:
			err = server.Remove(ctx, zone, before)
		case domains.DNSAdd:
			err = server.Add(ctx, zone, wireRecord(c.DNSRecord))
		case domains.DNSForeign:
			if c.Value == "" {
				return o
			}
			err = server.Add(ctx, zone, wireRecord(c.DNSRecord)) // what we saw may be a wildcard's
		}
		var refused *update.Error
		switch {
		case err == nil && o.Verdict == domains.DNSForeign:
			o = judged(c, nil)
			fallthrough
		case err == nil:
			o.Touched = true
			return o
		case errors.As(err, &refused) && refused.Conflict() && o.Verdict == domains.DNSForeign:
			return o
		case errors.As(err, &refused) && refused.Conflict():
			o.Verdict = domains.DNSForeign // unless the next look says otherwise
		default:
			o.Err, o.Touched = err, !errors.As(err, &refused) || refused.MayBeDone()
			return o
		}
	}
	return o
}
