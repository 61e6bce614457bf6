package domains

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/postseal/postseal/dkim"
)

// AddRequest asks for keys of a domain or an address. All but Name may be zero.
type AddRequest struct {
	Name       string // a domain, or an address of one (TST-5)
	DomainOnly bool   // refuse an address, as a field for domains does (KAR-11)

	Selector   string // empty: from the template
	Algorithms []dkim.Algorithm
	Bits       int // of RSA keys; 0: 2048

	Activation Activation
	Publish    Publish
	Slots      int
	OnMissing  OnMissing
	Owner      string
	Contact    string
	Driver     string
	SubDomains bool
	DualSign   bool

	Disabled  bool // not enabled yet (INF-6)
	Withhold  bool // records are not handed out yet: the key stays generated
	Published bool // "I have published these records" (KAR-21)

	AllowWWW        bool
	RelaxedSelector bool
	Offline         bool // do not look at DNS first (D105)
	DryRun          bool // only find out what would happen: nothing is kept
	Yes             bool // agrees to what is asked, as ImmediateWarning
}

// Added is a row with the keys that a verb made.
type Added struct {
	Domain Domain
	Keys   []Key
	Follow bool // a key that is not over: it stays in service until DNS has confirmed them
}

// Request notes that a domain is wanted; nobody makes a key before Add (TST-10).
func (s *Service) Request(ctx context.Context, actor string, r AddRequest) (Domain, error) {
	r.DomainOnly = true
	d, err := s.newDomain(r)
	if err != nil {
		return Domain{}, err
	}
	d.Requested = true
	err = s.store.Update(ctx, func(tx Tx) error {
		before, err := loadOrNew(tx, d)
		if err != nil {
			return err
		}
		if !before.Domain.CreatedAt.IsZero() && before.Domain.DeletedAt.IsZero() {
			return alreadyThere(d.Name)
		}
		l := s.life(before, actor, "request")
		d.Aliases, d.CreatedAt = before.Domain.Aliases, l.birth()
		l.domain = d
		l.note(nil, "requested, contact %q", d.Contact)
		return l.save(tx, before)
	})
	return d, err
}

// Add makes a pair for each algorithm and a row if there is none (T1, T2). The
// pairs are durable when it returns (MA-11).
func (s *Service) Add(ctx context.Context, actor string, r AddRequest) (Added, error) {
	d, err := s.newDomain(r)
	if err != nil {
		return Added{}, err
	}
	if err := s.modeOfRow(ctx, &d, r.Publish); err != nil {
		return Added{}, err
	}
	if err := r.judge(&d); err != nil {
		return Added{}, err
	}
	if err := s.mayName(&d, r.Selector); err != nil {
		return Added{}, err
	}
	if d.Activation == ActivateImmediate && !r.Yes {
		return Added{}, &Unconfirmed{"OCR-22", ImmediateWarning}
	}
	if d.Publish == PublishCNAMEShared {
		return s.addShared(ctx, actor, d, r)
	}
	drafts, err := makeDrafts(r)
	if err != nil {
		return Added{}, err
	}
	return s.add(ctx, actor, "add", d, drafts, r)
}

// add places drafts under names that are free, in the store and in DNS.
func (s *Service) add(ctx context.Context, actor, verb string, d Domain, drafts []Draft, r AddRequest) (Added, error) {
	if err := s.place(ctx, &d, drafts, placement{selector: r.Selector, relaxed: r.RelaxedSelector, offline: r.Offline || drafts[0].Key.Imported}); err != nil {
		return Added{}, err
	}
	var added Added
	err := s.store.Update(ctx, func(tx Tx) error {
		before, err := loadOrNew(tx, d)
		if err != nil {
			return err
		}
		l := s.life(before, actor, verb)
		l.takeUp(d)
		for _, draft := range drafts {
			if err := l.mayAdd(draft); err != nil {
				return err
			}
			if err := l.mayImport(tx, draft); err != nil {
				return err
			}
		}
		if added.Keys, err = l.introduce(tx, drafts); err != nil {
			return err
		}
		for _, k := range added.Keys {
			l.begin(l.key(k.ID), r)
		}
		added = l.added(drafts)
		if r.DryRun {
			return errDryRun
		}
		return l.save(tx, before)
	})
	return added, unlessDry(err)
}

// errDryRun ends a transaction that is to leave nothing behind.
var errDryRun = errors.New("only tried")

func unlessDry(err error) error {
	if errors.Is(err, errDryRun) {
		return nil
	}
	return err
}

// begin lets a new key set out: handed out at once unless withheld (T2), signing
// at once only in immediate mode (T4').
func (l *life) begin(k *Key, r AddRequest) {
	if r.Published {
		l.domain.PublishedClaimedAt = l.now
	}
	switch {
	case r.Withhold:
		return
	case l.domain.Activation == ActivateImmediate:
		l.handOut(k)
		l.activateUnverified(k, "activation = immediate")
	default:
		l.handOut(k)
	}
}

// handOut is T2: somebody has the records, DNS is polled.
func (l *life) handOut(k *Key) {
	l.move(k, Pending, "records handed out")
	l.openWindow(k)
	stands := k.Target != "" && l.domain.PointsTo(k.Selector) == k.Target
	if l.domain.Driver == "" && !stands { // else nobody has to
		l.tell(KeyRecords, k, "%s: publish %s as %s", l.domain.Name, dkim.RecordName(k.Selector, k.Domain), k.publishes())
	}
	l.schedule(k)
}

// publishes is the record to publish, as "TXT …" or "CNAME …".
func (k *Key) publishes() string {
	if k.Target != "" {
		return "CNAME " + k.Target + "."
	}
	return "TXT " + k.Record
}

// mayAdd: per algorithm a row gets its first key here, later ones by rotation.
func (l *life) mayAdd(d Draft) error {
	for _, k := range l.keys {
		if k.Algorithm != d.Key.Algorithm || !k.living() || k.State == Retiring {
			continue
		}
		return &Refused{
			Rule: "already-managed",
			What: fmt.Sprintf("%s has the key %s for %s already, which is %s", l.domain.Name, k.Selector, k.Algorithm, k.State),
			Way:  "`rotate` makes a successor without a gap, `regenerate` another pair, `records` shows this one again",
		}
	}
	return nil
}

func alreadyThere(name string) error {
	return &Refused{Rule: "already-managed", What: name + " is there already", Way: "`postseal domain show " + name + "` tells how it stands"}
}

func (l *life) added(drafts []Draft) Added {
	out := Added{Domain: l.domain}
	for _, d := range drafts {
		k := l.key(d.Key.ID)
		out.Keys = append(out.Keys, *k)
		out.Follow = out.Follow || k.Follows(l.values())
	}
	return out
}

// loadOrNew reads the row, or gives an empty one under its name.
func loadOrNew(tx Tx, d Domain) (Situation, error) {
	s, err := load(tx, d.Name)
	if errors.Is(err, ErrNotFound) {
		s = Situation{}
		s.Domain.Name = d.Name
		s.Hosts, err = tx.Hosts()
	}
	return s, err
}

// takeUp makes a row that is new, was only asked for or was deleted what Add wants it to be.
func (l *life) takeUp(d Domain) {
	was := l.domain
	switch {
	case !was.DeletedAt.IsZero():
		l.domain = confirmed(was, d)
		l.domain.CreatedAt = l.birth() // later than the keys that it had
	case was.Requested || was.CreatedAt.IsZero():
		l.domain = confirmed(was, d)
	}
}

// confirmed is the row as Add wants it, with what a request noted before. The CNAME
// records that a deleted row had may still stand.
func confirmed(was, d Domain) Domain {
	d.Aliases = was.Aliases
	if was.Requested && was.DeletedAt.IsZero() {
		added := d.CreatedAt
		d.CreatedAt, d.OwnedSince = was.CreatedAt, was.OwnedSince
		if d.Contact == "" {
			d.Contact = was.Contact
		}
		if d.Owner == "" {
			d.Owner = was.Owner
		}
		if d.Owner != was.Owner {
			d.OwnedSince = added
		}
	}
	return d
}

// newDomain checks a request and fills in the defaults.
func (s *Service) newDomain(r AddRequest) (Domain, error) {
	name, err := requestedName(r)
	if err != nil {
		return Domain{}, err
	}
	d := Domain{
		Name: name, Enabled: !r.Disabled, Activation: r.Activation, Publish: r.Publish, Slots: r.Slots, OnMissing: r.OnMissing,
		Owner: r.Owner, Contact: r.Contact, Driver: r.Driver, SubDomains: r.SubDomains, DualSign: r.DualSign, CreatedAt: s.now(),
	}
	if d.Activation == "" {
		d.Activation = ActivateVerified
	}
	if d.Publish == "" {
		d.Publish = PublishTXT
	}
	switch {
	case d.Publish == PublishTXT && d.Slots != 0:
		return Domain{}, slotsOfTXT(d.Slots)
	case d.Publish != PublishTXT && d.Slots == 0:
		d.Slots = defaultSlots
	}
	if err := s.checkSettings(&d); err != nil {
		return d, err
	}
	return d, s.checkDriver(&d)
}

func requestedName(r AddRequest) (string, error) {
	if r.DomainOnly {
		return ParseDomain(r.Name, r.AllowWWW)
	}
	name, _, err := ParseName(r.Name, r.AllowWWW)
	return name, err
}

func (s *Service) checkSettings(d *Domain) error {
	switch d.Activation {
	case ActivateVerified, ActivateManual, ActivateImmediate:
	default:
		return invalid(string(d.Activation), "is no activation", "say verified, manual or immediate")
	}
	if _, _, err := d.OnMissing.parse(); err != nil {
		return invalid(string(d.OnMissing), "cannot be read", err.Error())
	}
	if !isLine(d.Owner) {
		return badOwner(d.Owner)
	}
	if len(d.Contact) > maxContact || !isLine(d.Contact) {
		return invalid(strings.ToValidUTF8(d.Contact[:min(len(d.Contact), 40)], "")+"…", "is no contact", fmt.Sprintf("say who changes the DNS, in one line of up to %d characters", maxContact))
	}
	switch d.Publish {
	case PublishTXT:
		return nil
	case PublishCNAME, PublishCNAMEShared:
		return s.checkSlots(d)
	}
	return invalid(string(d.Publish), "is no way to publish", "say txt, cname or cname-shared")
}

func badOwner(owner string) error {
	return invalid(owner, "is no tenant", "use letters, digits, hyphens and dots")
}

func slotsOfTXT(slots int) error {
	return invalid(fmt.Sprint(slots, " slots"), "have no use", "a TXT record is for one key; slots are for --publish cname and cname-shared")
}

const (
	maxSlots     = 12
	defaultSlots = 2
	maxContact   = 254 // of an address (RFC 5321 section 4.5.3.1.3); it may be a name
)

func (s *Service) checkSlots(d *Domain) error {
	zone, domain := s.policy.KeyZone.Name, d.SigningDomain()
	switch {
	case zone == "":
		return &Refused{Rule: "no-key-zone", What: "CNAME records need a zone of ours to point to, and none is configured", Way: "set key_zone.name, or say --publish txt"}
	case inZone(domain, zone):
		return &Refused{
			Rule: "inside-key-zone", What: fmt.Sprintf("%s lies in the key zone %s, which holds nothing but keys", domain, zone),
			Way: "say --publish txt, or give the key zone a name of its own",
		}
	case d.Slots < 1 || d.Slots > maxSlots:
		return invalid(fmt.Sprint(d.Slots), "is no number of slots", "say 1 to 12")
	}
	return nil
}

// makeDrafts generates the pairs (INF-4). It takes up to seconds, so it is done
// before the transaction.
func makeDrafts(r AddRequest) ([]Draft, error) {
	algorithms := r.algorithms()
	if err := distinct(algorithms); err != nil {
		return nil, err
	}
	var drafts []Draft
	for _, a := range algorithms {
		draft, err := generateDraft(a, r.Bits)
		if err != nil {
			return nil, err
		}
		drafts = append(drafts, draft)
	}
	return drafts, nil
}

func generateDraft(a dkim.Algorithm, bits int) (Draft, error) {
	if a == dkim.Ed25519SHA256 {
		bits = 0
	}
	private, err := dkim.Generate(a, bits)
	if err != nil {
		return Draft{}, invalid(fmt.Sprint(bits), "cannot be", err.Error())
	}
	return newDraft(private)
}
