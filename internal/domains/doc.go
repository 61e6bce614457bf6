// Package domains is the life of a DKIM key: what an administrator wants of a
// domain, where each of its keys stands between generation and destruction, and
// what DNS said about it when it was last asked.
//
// Three things are kept apart, and the status that people see is computed from
// them, never stored:
//
//	intent   Domain.Enabled, Activation, Publish …   what the administrator wants
//	state    Key.State                               where the key is on its way
//	health   Key.Health                              what DNS said
//
// Transitions are pure functions of policy, time, rows and a check's verdict or
// a command; Service applies commands and Keeper applies time and DNS, each in
// one transaction that holds the rows, the journal line and the notification.
//
// # One change
//
// A verb (or the Keeper, after it asked DNS) opens a transaction and loads the rows of
// one domain: a Situation. From it comes a life, which knows no clock, no DNS and no
// store. Its methods move keys from state to state and gather what follows: journal
// lines, notifications, the next look at DNS, records for drivers. life.save writes all
// of that, and the transaction ends. Who wants to know what a state leads to reads
// checked.go and elapse.go; who wants to know what a command does, the file of the verb.
//
// # Where what is
//
// What the store holds, and the words for it:
//
//	model.go words.go         rows: Domain, Key, User …; reasons and events
//	store.go save.go          what a store has to do; a Situation read and written
//	names.go selector.go      domains, addresses and selectors as people write them
//	refusal.go                the errors that a person has caused
//	policy.go clock.go        what is configured; time, its jumps, and waiting for it
//
// A key's way, as pure functions of a life:
//
//	life.go                   the life itself, journal and notifications
//	checked.go health.go      what a check leads to: while awaited, in service, afterwards
//	elapse.go schedule.go     what time leads to; when to look next
//	activate.go stolen.go     a key begins and ceases to sign; a pair is compromised
//	draft.go place.go         a new pair; which selector or slot it gets
//	status.go                 how all of that is told to people
//
// Verbs of the Service, by what they are about:
//
//	service.go                how a verb comes to its transaction
//	add.go import.go          a domain, or a pair that exists
//	judge.go settings.go      requests that make no sense; settings of a row
//	switch.go verify.go       enable, disable, records handed out; a look at DNS now
//	rotate.go republish.go    successors, abort and rollback; another mode of publishing
//	remove.go leaked.go       delete and compromised; a private half that stands in DNS
//	list.go search.go         reading
//	users.go userkey.go       outgoing users
//	candidates.go             domains that mail comes from and that have no row
//	hosts.go                  the machines that sign, and when their keys signed last
//	checker.go subject.go     what is asked of DNS about a key
//	snapshot.go               what signing needs of the store, for all mail that follows
//
// The Keeper, on the host that holds the lease:
//
//	keeper.go lease.go        its rounds; who may write
//	keepervisit.go            one key: DNS is asked, the answer applied
//	keeperstart.go            after a start, or a jump of the clock
//	keepersweep.go            rows that are over
//
// CNAME modes, where customers publish names once and keys change behind them:
//
//	slot.go intoslot.go       names of slots and their targets; a key gets a slot
//	alias.go                  where customers' CNAME records point
//	keyzone.go                all that the key zone has to hold
//	realign.go stranded.go    the key zone gets another name; records left behind by that
//	shared.go sharedfollow.go sharedverbs.go   one set of keys for all domains
//
// Keys whose private half is not in the row, which are watched only:
//
//	watched.go                such rows
//	tables.go declare.go      keys of hand-edited tables, as the hosts tell of them
//	lend.go                   keys of outgoing users at domains of their own
//
// Publishing by drivers, with one row for each record (Published):
//
//	publish.go publishrow.go  what a driver is, and whose records it leaves alone; the row
//	publishwanted.go publishplan.go   what DNS is to hold; the difference, noted in the transition
//	publishzone.go publishagain.go    the same for the key zone; for what got lost
//	publisher.go publishround.go      a loop for each driver
//	publishbatch.go publishconclude.go publishdone.go   claim, apply, and what came of it
//	publishverb.go publishstatus.go   `domain publish`; what people are told
//
// A store that a tenant's verbs see:
//
//	tenant.go turns.go        rows of others are not there; nobody keeps others waiting
//
// Rooms beside this one: sqlstore (rows in SQLite and PostgreSQL), seal (private halves at
// rest), drivers (writes DNS), records (shows what has to stand there), notify (delivers
// what life.tell put into the outbox), sources (where candidates come from).
package domains
