package panel

import (
	"github.com/postseal/postseal/internal/domains"
)

// rotate makes a successor without a gap.
func (v *visit) rotate() error {
	return v.work(func() (note, error) {
		added, err := v.service.Rotate(v.r.Context(), v.actor(), v.name, domains.RotateRequest{Yes: v.ticked("yes")})
		return succeeded(added), err
	})
}

func succeeded(a domains.Added) note {
	n := made(a)
	n.Lines = append(n.Lines, "DNS has to be updated to match. Until it has the new record the old key signs on, where there is one.")
	return n
}

func (v *visit) abort() error {
	return v.act(func() (note, error) {
		gone, err := v.service.Abort(v.r.Context(), v.actor(), v.name)
		n := note{Text: "The rotation was given up."}
		for _, k := range gone {
			n.Lines = append(n.Lines, "the record of "+k.Selector+" is not needed any more")
		}
		return n, err
	})
}

func (v *visit) rollback() error {
	return v.work(func() (note, error) {
		back, err := v.service.Rollback(v.r.Context(), v.actor(), v.name)
		n := note{Text: "Rolled back."}
		for _, k := range back {
			n.Lines = append(n.Lines, k.Selector+" signs again")
		}
		return n, err
	})
}

// generate is "Generate and save new private/public pair" (MA-11): the first key of a row,
// or one that follows another; in place only where that was asked for and confirmed (OCR-17, OCR-18).
func (v *visit) generate() error {
	return v.work(func() (note, error) {
		d, err := v.service.Show(v.r.Context(), v.name)
		if err != nil {
			return note{}, err
		}
		if d.Domain.Requested || !hasKey(d) {
			request, err := v.addRequest(v.name)
			if err != nil {
				return note{}, err
			}
			request.DomainOnly, request.AllowWWW = false, true
			request.Owner, request.Contact, request.SubDomains = d.Domain.Owner, d.Domain.Contact, d.Domain.SubDomains
			request.Activation, request.Publish, request.Slots = d.Domain.Activation, d.Domain.Publish, d.Domain.Slots
			added, err := v.service.Add(v.r.Context(), v.actor(), request)
			return made(added), err
		}
		bits, err := number(v.form("bits"), 0)
		if err != nil {
			return note{}, err
		}
		request := domains.RotateRequest{Selector: v.form("selector"), Bits: bits, InPlace: v.ticked("in_place"), Yes: v.ticked("yes")}
		added, err := v.service.Regenerate(v.r.Context(), v.actor(), v.name, request)
		return succeeded(added), err
	})
}

func hasKey(d domains.Detail) bool {
	for _, k := range d.Keys {
		if current(k) {
			return true
		}
	}
	return false
}
