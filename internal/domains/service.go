package domains

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"time"
)

// Options are the parts of a Service. Store is needed.
type Options struct {
	Store   Store
	Policy  Policy         // zero: DefaultPolicy
	Clock   Clock          // nil: the machine's
	Checker Checker        // nil: no verb that asks DNS, no look before a selector is given out
	Jitter  func() float64 // in [0, 1); nil: random
	Log     *slog.Logger   // nil: slog.Default

	Publishing Publishing // what writes DNS; zero: people do
}

// Service are the verbs. Each is one transaction with its journal line, by an
// actor ("root", "panel:alice"). Errors that a person has caused are *Invalid,
// *Refused or *Unconfirmed; they have an ExitCode.
type Service struct {
	store   Store
	policy  Policy
	clock   Clock
	checker Checker
	jitter  func() float64
	log     *slog.Logger

	publishing Publishing
	tenants    *Turns // at the store
}

// New makes a Service.
func New(o Options) *Service {
	s := &Service{store: o.Store, policy: o.Policy, clock: o.Clock, checker: o.Checker, jitter: o.Jitter, log: o.Log, publishing: o.Publishing, tenants: NewTurns(tenantsAtStore, tenantAtStore, tenantWaiting)}
	if reflect.ValueOf(s.policy).IsZero() {
		s.policy = DefaultPolicy()
	}
	if z := &s.policy.KeyZone; z.Name != "" && z.SharedTarget == "" {
		z.SharedTarget = SharedTargetIn(z.Name)
	}
	if s.clock == nil {
		s.clock = NewSystemClock()
	}
	if s.jitter == nil {
		s.jitter = rand.Float64
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	return s
}

func (s *Service) now() time.Time { return storeTime(s.clock.Now()) }

// life begins a transition.
func (s *Service) life(before Situation, actor, verb string) *life {
	l := &life{
		Policy: &s.policy, now: s.now(), settled: true, jitter: s.jitter, actor: actor, verb: verb,
		domain: before.Domain, hosts: before.Hosts, tables: before.Tables, publishing: &s.publishing,
	}
	for _, k := range before.Keys {
		l.keys = append(l.keys, &k)
	}
	return l
}

// change runs a verb on a row that exists and is not deleted. f may run again.
func (s *Service) change(ctx context.Context, actor, verb, name string, f func(Tx, *life) error) error {
	return s.changeOf(ctx, loadLive, actor, verb, name, f)
}

// changeOf runs a verb on a row that load finds.
func (s *Service) changeOf(ctx context.Context, load func(Tx, string) (Situation, error), actor, verb, name string, f func(Tx, *life) error) error {
	return s.store.Update(ctx, func(tx Tx) error {
		before, err := load(tx, name)
		if err != nil {
			return err
		}
		if before.Domain.IsSharedSet() {
			return isTheSet()
		}
		if before.Domain.Watched() && verb != "verify" {
			return watchesOnly(name)
		}
		l := s.life(before, actor, verb)
		if err := f(tx, l); err != nil {
			return err
		}
		return l.save(tx, before)
	})
}

// view reads a row that exists and is not deleted.
func (s *Service) view(ctx context.Context, name string) (situation Situation, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) {
		situation, err = loadLive(tx, name)
		return err
	})
	return situation, err
}

func loadLive(tx Tx, name string) (Situation, error) {
	s, err := load(tx, name)
	if err == nil && !s.Domain.DeletedAt.IsZero() {
		return s, unknownDomain(name)
	}
	return s, err
}
