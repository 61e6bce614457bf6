package panel

import (
	"net/http"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// looked is what DNS said about a key.
type looked struct {
	Selector   string            `json:"selector"`
	State      domains.State     `json:"state"`
	Said       string            `json:"said"` // "live and correct", "not live", "not correct" …
	Verdict    string            `json:"verdict"`
	Passed     bool              `json:"passed"`
	Findings   []domains.Finding `json:"findings"`
	RetryAfter time.Time         `json:"retry_after,omitzero"`
}

func (c *call) verify() (answered, error) {
	out := []looked{}
	err := c.busy(func() error {
		checked, err := c.service.Verify(c.r.Context(), c.actor(), c.name)
		for i := range checked {
			k, r := &checked[i].Key, &checked[i].Result
			run := domains.CheckRun{Verdict: string(r.Verdict), Passed: r.Passed}
			out = append(out, looked{k.Selector, k.State, said(k, &run), run.Verdict, run.Passed, append([]domains.Finding{}, r.Findings...), r.RetryAfter})
		}
		return err
	})
	return answered{value: map[string]any{"checked": out}}, err
}

// shown does something to a row and shows it.
func (c *call) shown(err error) (answered, error) {
	if err != nil {
		return answered{}, err
	}
	return c.domainShown()
}

// publish has the driver of the row write its records, or tells what it would do.
func (c *call) publish() (answered, error) {
	var f struct {
		DryRun bool `json:"dry_run"`
	}
	if err := c.body(&f); err != nil {
		return answered{}, err
	}
	out := []domains.Publication{}
	err := c.busy(func() error {
		var rows []domains.Publication
		var err error
		if f.DryRun {
			rows, err = c.service.PlanPublishing(c.r.Context(), []string{c.name}, false)
		} else {
			rows, err = c.service.Publish(c.r.Context(), c.actor(), []string{c.name}, false)
		}
		out = append(out, rows...)
		return err
	})
	return answered{value: map[string]any{"records": out}}, err
}

func (c *call) published() (answered, error) {
	_, err := c.service.Published(c.r.Context(), c.actor(), c.name)
	return c.shown(err)
}

func (c *call) enable() (answered, error) {
	var f struct {
		Force bool `json:"force"`
		Yes   bool `json:"yes"`
	}
	err := c.body(&f)
	if err == nil {
		_, err = c.service.Enable(c.r.Context(), c.actor(), c.name, domains.EnableRequest{Force: f.Force, Yes: f.Yes})
	}
	return c.shown(err)
}

func (c *call) disable() (answered, error) {
	_, err := c.service.Disable(c.r.Context(), c.actor(), c.name)
	return c.shown(err)
}

// succeeding are the fields of a rotation.
type succeeding struct {
	Selector  string `json:"selector"`
	Algorithm string `json:"algorithm"`
	Bits      int    `json:"bits"`
	InPlace   bool   `json:"in_place"` // of regenerate
	Yes       bool   `json:"yes"`
}

func (c *call) succession() (domains.RotateRequest, error) {
	var f succeeding
	if err := c.body(&f); err != nil {
		return domains.RotateRequest{}, err
	}
	r := domains.RotateRequest{Selector: f.Selector, Bits: f.Bits, InPlace: f.InPlace, Yes: f.Yes}
	if f.Algorithm != "" {
		list, err := domains.ParseAlgorithms(f.Algorithm)
		if err != nil || len(list) != 1 {
			return r, refuse("bad-field", "the algorithm has to be one", "say rsa or ed25519")
		}
		r.Algorithm = list[0]
	}
	return r, nil
}

func (c *call) rotate() (answered, error) {
	r, err := c.succession()
	if err == nil && r.InPlace {
		err = refuse("bad-field", "a rotation is never in place", "regenerate can be")
	}
	if err != nil {
		return answered{}, err
	}
	return c.making(http.StatusOK, func() (domains.Added, error) { return c.service.Rotate(c.r.Context(), c.actor(), c.name, r) })
}

func (c *call) regenerate() (answered, error) {
	r, err := c.succession()
	if err != nil {
		return answered{}, err
	}
	return c.making(http.StatusOK, func() (domains.Added, error) { return c.service.Regenerate(c.r.Context(), c.actor(), c.name, r) })
}

func (c *call) abort() (answered, error) {
	_, err := c.service.Abort(c.r.Context(), c.actor(), c.name)
	return c.shown(err)
}

func (c *call) rollback() (answered, error) {
	err := c.busy(func() error {
		_, err := c.service.Rollback(c.r.Context(), c.actor(), c.name)
		return err
	})
	return c.shown(err)
}

// stopped is what came of an emergency.
type stopped struct {
	Key       domains.Key  `json:"key"`
	Successor *domains.Key `json:"successor"`            // null: there is none
	InService *domains.Key `json:"in_service,omitempty"` // where another key signed, and does still
	Record    string       `json:"must_become"`
	Also      []string     `json:"also"`              // other names of records that have to become the same
	Domains   int          `json:"domains,omitempty"` // that had the key, where it was shared
}

func (c *call) compromised() (answered, error) {
	var f struct {
		Selector string `json:"selector"`
		Yes      bool   `json:"yes"`
	}
	if err := c.body(&f); err != nil {
		return answered{}, err
	}
	e, err := c.service.Compromised(c.r.Context(), c.actor(), c.name, domains.CompromiseRequest{Selector: f.Selector, Yes: f.Yes})
	out := stopped{Key: e.Key, Record: e.Record, Also: append([]string{}, e.Also...), Domains: e.Domains}
	if e.Successor.ID != "" {
		out.Successor = &e.Successor
	}
	if e.InService.ID != "" {
		out.InService = &e.InService
	}
	return answered{value: out}, err
}
