package domains

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/postseal/postseal/dkim"
)

// ParseSelector reads a selector for a domain (OCR-14): labels of letters,
// digits and hyphens with dots between them; underscores only if relaxed. The
// error is an *Invalid.
func ParseSelector(text, domain string, relaxed bool) (string, error) {
	selector := strings.ToLower(strings.TrimSpace(text))
	if err := dkim.ValidSelector(selector); err != nil {
		return "", invalid(text, "is not a selector: "+err.Error(), "use letters, digits, hyphens and dots, like mail.2026-q1")
	}
	if strings.Contains(selector, "_") && !relaxed {
		return "", invalid(text, "has an underscore, which RFC 6376 does not allow in a selector", "use a hyphen, or say --relaxed-selector")
	}
	if err := dkim.ValidRecordName(selector, domain); err != nil {
		return "", invalid(text, err.Error(), "use a shorter selector")
	}
	return selector, nil
}

// NewSelector fills a template: {uuid}, {random} (8 letters and digits), {name}
// (the domain with hyphens for dots), {yyyy}, {mm}, {dd}.
func NewSelector(template, domain string, now time.Time) (string, error) {
	r := strings.NewReplacer(
		"{uuid}", newID(),
		"{random}", randomWord(8),
		"{name}", strings.ReplaceAll(domain, ".", "-"),
		"{yyyy}", now.UTC().Format("2006"),
		"{mm}", now.UTC().Format("01"),
		"{dd}", now.UTC().Format("02"),
	)
	text := r.Replace(template)
	if strings.ContainsAny(text, "{}") {
		return "", invalid(template, "is not a template of selectors", "known are {uuid} {random} {name} {yyyy} {mm} {dd}")
	}
	return ParseSelector(text, domain, false)
}

// randomWord has no vowels and no look-alikes: nobody reads it wrong, and it
// spells nothing.
func randomWord(n int) string {
	const letters = "bcdfghjkmnpqrstvwxz23456789"
	out := make([]byte, 0, n)
	for b := make([]byte, 1); len(out) < n; {
		rand.Read(b)
		if int(b[0]) < 256/len(letters)*len(letters) { // without it the first letters would be likelier
			out = append(out, letters[int(b[0])%len(letters)])
		}
	}
	return string(out)
}

// freeSelector refuses a selector that ever had another key (ruling 33).
func freeSelector(tx Tx, owner, domain, selector string) error {
	keys, err := tx.KeysNamed(domain, selector)
	if err != nil {
		return err
	}
	graves, err := tx.Tombstones(domain, selector)
	if err != nil {
		return err
	}
	taken := len(graves) > 0
	for i := 0; i < len(keys) && !taken; i++ {
		if taken, err = takes(tx, owner, &keys[i]); err != nil {
			return err
		}
	}
	if taken {
		return &Refused{
			Rule: "selector-used",
			What: fmt.Sprintf("the selector %s of %s had a key already, which caches and messages under way may still mean", selector, domain),
			Way:  "pick another selector, or leave it out and postseal makes one",
		}
	}
	return nil
}

// takes tells whether a key keeps its name from the rows of an owner. Those of the tables may
// move in there. A tenant can ask for keys of anybody's domain, under whatever name: what
// another has only asked for keeps nobody out. If DNS confirms both, one after the other, each
// signs while its record stands.
func takes(tx Tx, owner string, k *Key) (bool, error) {
	switch {
	case isWatched(k.Owner):
		return false, nil
	case k.Slot != 0 || !k.onlyAsked():
		return true, nil
	}
	d, err := whole(tx).Domain(k.Owner)
	if err != nil || d.Owner == owner || d.Driver != "" {
		return true, ignoreNotFound(err)
	}
	keys, err := whole(tx).KeysOf(k.Owner)
	return !isClaim(&d, ofThisLife(&d, keys)), err
}

// onlyAsked: DNS never had the key, as far as anybody knows, and it never signed.
func (k *Key) onlyAsked() bool { return k.VerifiedAt.IsZero() && k.neverSigned() }

// pickSelector makes a selector that is free.
func pickSelector(tx Tx, template, owner, domain string, now time.Time) (string, error) {
	for range 20 {
		selector, err := NewSelector(template, domain, now)
		if err != nil {
			return "", err
		}
		err = freeSelector(tx, owner, domain, selector)
		if !isRefused(err) {
			return selector, err
		}
	}
	return "", &Refused{
		Rule: "selector-used",
		What: fmt.Sprintf("the template %q makes no selector of %s that is free", template, domain),
		Way:  "put {random} or {uuid} into the template, or give --selector",
	}
}
