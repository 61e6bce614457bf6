package domains

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
)

// Slots are the names that a customer publishes once, as CNAME records, and behind
// which keys change. Each algorithm has its own (ruling 33): ps1, ps2 … for RSA and
// pse1, pse2 … for Ed25519.

// slotPrefix begins the slots of domains; an address has a random prefix, since its
// names stand beside those of its domain.
const slotPrefix = "ps"

// slotName is what a slot is called: the prefix of the row, an "e" for Ed25519, and the
// number.
func slotName(prefix string, a dkim.Algorithm, slot int) string {
	if a == dkim.Ed25519SHA256 {
		prefix += "e"
	}
	return prefix + strconv.Itoa(slot)
}

// prefix is what the slots of a key's row begin with; empty for a key in none.
func (k *Key) prefix() string {
	prefix, numbered := strings.CutSuffix(k.Selector, strconv.Itoa(k.Slot))
	if k.Slot == 0 || !numbered {
		return ""
	}
	if k.Algorithm == dkim.Ed25519SHA256 {
		prefix = strings.TrimSuffix(prefix, "e")
	}
	return prefix
}

// targetIn is where a slot of a domain points in a key zone.
func targetIn(zone, selector, domain string) string {
	return selector + "." + dashed(domain) + "." + zone
}

// sharedTarget is where a slot of all domains with a shared key points: to the fixed
// name itself with the first RSA key (INF-14), below it with the others.
func sharedTarget(fixed string, a dkim.Algorithm, slot int) string {
	if a == dkim.RSASHA256 && slot == 1 {
		return fixed
	}
	return slotName(slotPrefix, a, slot) + "." + fixed
}

// targetOf is where the CNAME record of a key has to point under this policy; empty
// where there is no key zone.
func (p *Policy) targetOf(k *Key) string {
	switch {
	case p.KeyZone.Name == "" || k.Slot == 0:
		return ""
	case k.isShared():
		return sharedTarget(p.KeyZone.SharedTarget, k.Algorithm, k.Slot)
	}
	return targetIn(p.KeyZone.Name, k.Selector, k.Domain)
}

// formerTargets are where it may have had to point before the key zone, or the shared
// target, got its present name.
func (p *Policy) formerTargets(k *Key) []string {
	var out []string
	for _, f := range p.KeyZone.Former {
		if k.isShared() {
			out = append(out, sharedTarget(f, k.Algorithm, k.Slot), sharedTarget(SharedTargetIn(f), k.Algorithm, k.Slot))
		} else {
			out = append(out, targetIn(f, k.Selector, k.Domain))
		}
	}
	return out
}

// former are all targets of before that the record of a key may still have (D509).
func (p *Policy) former(d *Domain, k *Key) []string {
	if k.Slot == 0 {
		return nil
	}
	out := p.formerTargets(k)
	for _, a := range d.Aliases {
		if a.Selector == k.Selector && a.Target != k.Target {
			out = append(out, a.Target)
		}
	}
	return out
}

// isShared: the key is one of the shared set, or a domain's use of one.
func (k *Key) isShared() bool { return k.Pair != "" || k.Owner == SharedSet }

// inSlot is a key as it would be in another slot of its row, in the same key zone.
func (k *Key) inSlot(slot int) Key {
	out := Key{
		Owner: k.Owner, Domain: k.Domain, Algorithm: k.Algorithm, Pair: k.Pair,
		Slot: slot, Selector: slotName(k.prefix(), k.Algorithm, slot),
	}
	if k.isShared() {
		out.Target = sharedTarget(k.fixedTarget(), k.Algorithm, slot)
	} else {
		out.Target = out.Selector + strings.TrimPrefix(k.Target, k.Selector)
	}
	return out
}

// fixedTarget is the first of the targets that the target of a shared key belongs to.
func (k *Key) fixedTarget() string {
	return strings.TrimPrefix(k.Target, strings.TrimSuffix(sharedTarget("", k.Algorithm, k.Slot), ".")+".")
}

// nameOfNoSlot refuses the name of a slot of a domain, also of one without a key yet: a
// CNAME record stands there, or will.
func nameOfNoSlot(tx Tx, domain, selector string) error {
	keys, err := whole(tx).KeysOf(domain)
	for _, k := range keys {
		for slot := 1; slot <= maxSlots && k.prefix() != ""; slot++ {
			if selector != slotName(k.prefix(), dkim.RSASHA256, slot) && selector != slotName(k.prefix(), dkim.Ed25519SHA256, slot) {
				continue
			}
			return &Refused{
				Rule: "selector-used", What: fmt.Sprintf("the selector %s of %s is the name of a slot, where a CNAME record stands or will", selector, domain),
				Way: "pick another selector, or leave it out and postseal makes one",
			}
		}
	}
	return err
}

// OtherSlots are the CNAME records that a row has for the algorithm of k besides that of
// k.
func (k *Key) OtherSlots(slots int) []check.Slot {
	if k.prefix() == "" {
		return nil
	}
	var out []check.Slot
	for n := 1; n <= slots; n++ {
		if n != k.Slot {
			other := k.inSlot(n)
			out = append(out, check.Slot{Selector: other.Selector, Target: other.Target})
		}
	}
	return out
}

// dashed writes a domain as one label of the key zone: example.com -> example-com. A
// hyphen of its own is doubled, so that no two domains meet. What is too long for a
// label is cut and told apart by its hash; three hyphens in a row are in no other.
func dashed(domain string) string {
	label := strings.NewReplacer("-", "--", ".", "-").Replace(domain)
	if len(label) <= 63 {
		return label
	}
	sum := sha256.Sum256([]byte(domain))
	return fmt.Sprintf("%s---%s", strings.TrimRight(label[:24], "-"), hex.EncodeToString(sum[:16]))
}
