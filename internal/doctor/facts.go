package doctor

import (
	"net/netip"
	"time"

	"github.com/postseal/postseal/internal/access"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/milter"
)

// Facts are what was seen of an installation. All of it may be missing.
type Facts struct {
	Now      time.Time
	Ours     Ours
	Postfix  *Postfix  // nil: there is none
	Sendmail *Sendmail // nil: there is none
	Named    bool      // there is one of them, though perhaps not for us to read

	Sockets   map[Endpoint]Socket
	Hosts     map[string][]netip.Addr // addresses of host names in milters' addresses
	Links     map[string]string       // paths that are links, and where they end
	Users     map[string]*access.User // the service's and the MTA's; missing: there is no such user
	OpenDMARC *OpenDMARC              // nil: none, or not readable

	Unit       *Unit // nil: systemd does not run here
	Shells     []string
	Clock      Clock
	Resolver   *Resolver   // nil: not asked
	Deliveries *Deliveries // nil: no mail log was given
	Managed    *Managed    // nil: no store, or an empty place for one
	Domains    []Domain

	Selectors []Known  // those of them that have a key which is none of ours
	Skipped   int      // domains that were not asked for, being too many
	Unread    []Unread // what could not be looked at
}

// Ours is our own side.
type Ours struct {
	Config   *config.Config
	Missing  bool    // the file is not there or may not be read; Config is the default
	Tabled   bool    // the tables were read
	Errs     []error // what is wrong in the file
	Warnings []error
	Rows     []error // rows and keys that cannot work
	Weak     []error // rows that work and had better be changed
	Keys     int
	Lines    int // of the signing table
	Files    []File
	Plain    []string // key files that hold keys which the store seals
}

// File is a file that the service has to read.
type File struct {
	What   string        // "configuration", "table", "key"
	Name   string        // as the configuration or the table has it
	Nodes  []access.Node // from / down to the file
	Time   time.Time
	Closed bool // to whoever runs the doctor
}

// Path is the file's name.
func (f File) Path() string { return f.Nodes[len(f.Nodes)-1].Path }

// Endpoint is where a milter listens: network "tcp" with HOST:PORT, or "unix" with a path from the root of this system.
type Endpoint struct {
	Network, Address string
}

// String spells it as Postfix does.
func (e Endpoint) String() string {
	if e.Network == "unix" {
		return "unix:" + e.Address
	}
	return "inet:" + e.Address
}

// Socket is what came of connecting to an endpoint.
type Socket struct {
	Err     error         // why there was no connection, or no answer of a milter
	Reached bool          // something accepted
	Program string        // that listens there; "" if that is not for us to know
	Answer  Answer        // of the negotiation
	Nodes   []access.Node // of a unix socket
}

// Answer is what a milter answered to our offer.
type Answer struct {
	Version uint32
	Actions milter.Action
}

// Unit is what systemd says of postseal.service.
type Unit struct {
	Loaded  bool // there is such a unit
	Active  string
	Status  string   // what the daemon said last
	Sockets []string // addresses of postseal.socket, if it is active
}

// Clock is what the kernel says of it.
type Clock struct {
	Unsynchronized bool
	Err            error
}

// Resolver is what came of a question to the configured resolvers.
type Resolver struct {
	Server string
	Err    string // why there is no answer
	Secure bool   // DNSSEC vouches for the answer, of a name that is signed
}

// Domain is what files and DNS say of a domain.
type Domain struct {
	Name  string
	Keys  []Key
	Rows  []Row  // that are for postmaster@Name
	Held  bool   // the store has a row for it
	DMARC Policy // of the domain or of the registered domain above it
	SPF   []string
	Err   error // DMARC and SPF could not be had
}

// Key is a key of a domain with what DNS says of it.
type Key struct {
	Selector string
	Result   check.Result
}

// Row is a line of the signing table.
type Row struct {
	Where string
	Keys  []string // DOMAIN/SELECTOR
	Signs []string // their domains
	Out   string   // why none can sign
}

// Policy is a DMARC record.
type Policy struct {
	Texts   []string // records that begin with v=DMARC1, at Name
	Name    string   // _dmarc.DOMAIN
	Request string   // what it asks receivers to do: none, quarantine, reject
	Strict  bool     // adkim=s
	Err     error    // it cannot be read
}

// OpenDMARC is what opendmarc.conf says.
type OpenDMARC struct {
	Path    string
	Trusted []string // authserv-ids whose results it reads; none: its own host name
}

// Unread is something that could not be looked at.
type Unread struct {
	What string
	Err  error
}
