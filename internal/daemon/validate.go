package daemon

import (
	"context"
	"runtime/debug"

	"github.com/postseal/postseal/keytable"
)

// readKeys is the pass over all keys of new tables, in the background. First the
// tables before them and what was needed to load these go back to the system, which
// with 100,000 keys is as much again as stays; the runtime alone would keep it for
// minutes.
func (d *Daemon) readKeys(ctx context.Context, tables *keytable.Tables) {
	debug.FreeOSMemory()
	tables.Validate(ctx, d.notice)
}
