package domains

import (
	"fmt"
	"strings"
	"time"
)

const day = 24 * time.Hour

// Policy is the timing and the defaults of all domains (docs: the life of a
// key, timing).
type Policy struct {
	Selector string // template of new selectors, see NewSelector
	KeyZone  KeyZone

	Window    time.Duration // pending: until failed
	WarnAfter time.Duration // pending: until "taking long" (KAR-24)
	SlowFor   time.Duration // failed: polled daily for this long
	PassGap   time.Duration // between the two checks that confirm
	HoldMax   time.Duration // longest hold between ready and active
	Overlap   time.Duration // dual_sign: old and new key side by side

	Recheck       time.Duration // of keys in service
	FullEvery     time.Duration // by the authoritative servers
	BrokenCount   int           // failing checks in a row until broken …
	BrokenOver    time.Duration // … and how long they must last
	UnknownAlarm  time.Duration // without an answer until the alarm
	AbsentGrace   time.Duration // broken until suspended: no record
	MismatchGrace time.Duration // broken until suspended: a wrong record
	OnMissing     OnMissing     // of rows without their own; empty: the two graces
	OwnerRevoked  time.Duration // suspended by p= empty until retired
	RemindAfter   time.Duration // suspended until a reminder

	RetireAfter   time.Duration // at least, between the last signature and "safe to remove"
	QueueLifetime time.Duration // how long an MTA tries to deliver
	DestroyAfter  time.Duration // gone from DNS until the private half is deleted
	RotateEvery   time.Duration // 0: by hand only
	RotateMin     time.Duration // between two rotations by the clock
	OldAfter      time.Duration // age of a key in service that is worth a notice
}

// DefaultPolicy are the values for everything that nobody configured.
func DefaultPolicy() Policy {
	return Policy{
		Selector: "ps{yyyy}{mm}{random}",

		Window:    72 * time.Hour,
		WarnAfter: 48 * time.Hour,
		SlowFor:   30 * day,
		PassGap:   30 * time.Second,
		HoldMax:   48 * time.Hour,
		Overlap:   day,

		Recheck:       time.Hour,
		FullEvery:     day,
		BrokenCount:   3,
		BrokenOver:    30 * time.Minute,
		UnknownAlarm:  time.Hour,
		AbsentGrace:   day,
		MismatchGrace: time.Hour,
		OwnerRevoked:  5 * day,
		RemindAfter:   5 * day,

		RetireAfter:   7 * day,
		QueueLifetime: 5 * day,
		DestroyAfter:  30 * day,
		RotateMin:     5 * day,
		OldAfter:      365 * day,
	}
}

// retireAfter is how long the record of a key must outlive its last signature:
// a message may wait in queues for their lifetime, and the verifier's cache adds
// the TTL.
func (p *Policy) retireAfter(d *Domain, k *Key) time.Duration {
	if d.RetireAfter > 0 {
		return d.RetireAfter
	}
	return max(p.RetireAfter, p.QueueLifetime+time.Duration(k.TTL)*time.Second+day)
}

// RetireAfter is how long the record of a key has to outlive its last signature (D621).
func (s *Service) RetireAfter(d Domain, k Key) time.Duration {
	return s.policy.retireAfter(&d, &k)
}

// grace is how long a key that is broken for a reason goes on signing; ever
// means that it is never suspended.
func (p *Policy) grace(d *Domain, r Reason) (grace time.Duration, ever bool) {
	setting := d.OnMissing
	if setting == "" {
		setting = p.OnMissing
	}
	own, keep, _ := setting.parse()
	switch {
	case keep:
		return 0, true
	case own >= 0 && r == ReasonAbsent:
		return own, false
	case own >= 0:
		return min(own, p.MismatchGrace), false
	case r == ReasonAbsent:
		return p.AbsentGrace, false
	}
	return p.MismatchGrace, false
}

// Check says what is wrong with a setting.
func (o OnMissing) Check() error {
	_, _, err := o.parse()
	return err
}

// parse reads "", "keep", "suspend" and "suspend:24h"; own is -1 without one.
func (o OnMissing) parse() (own time.Duration, keep bool, err error) {
	verb, text, timed := strings.Cut(string(o), ":")
	switch {
	case o == "":
		return -1, false, nil
	case o == "keep":
		return -1, true, nil
	case o == "suspend":
		return 0, false, nil
	case verb == "suspend" && timed:
		own, err = time.ParseDuration(text)
		if err == nil && own >= 0 {
			return own, false, nil
		}
	}
	return -1, false, fmt.Errorf("on_missing %q: want keep, suspend or a grace as in suspend:24h", string(o))
}
