package daemon

import (
	"context"
	"runtime/debug"

	"github.com/postseal/postseal/keytable"
)

// manyKeys make tables of tens of megabytes. The heap may then grow by half between
// two collections instead of doubling, which is room for thousands of messages still.
const manyKeys = 10_000

// readKeys is the pass over all keys of new tables, in the background. First the
// tables before them and what was needed to load these go back to the system, which
// with 100,000 keys is as much again as stays; the runtime alone would keep it for
// minutes.
func (d *Daemon) readKeys(ctx context.Context, tables *keytable.Tables) {
	growth := 100
	if tables.KeyCount() > manyKeys {
		growth = 50
	}
	debug.SetGCPercent(growth)
	debug.FreeOSMemory()
	if tables.Validate(ctx, d.notice) == nil {
		d.log.Info("all keys read", "key_count", tables.KeyCount(), "row_count", tables.RowCount(), "problems", len(tables.Problems()))
		d.watchTables(ctx, tables)
	}
}
