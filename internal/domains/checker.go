package domains

import (
	"context"

	"github.com/postseal/postseal/internal/check"
)

// Checker asks DNS about a key; check.Engine is one.
type Checker interface {
	Check(ctx context.Context, s check.Subject) check.Result
	// Vacant tells whether a selector may be taken: see check.Engine.
	Vacant(ctx context.Context, s check.Subject) check.Result
}

// Finding is one finding of a check.
type Finding = check.Finding

// class sorts verdicts by what they mean for a key in service.
type class int

const (
	good      class = iota // verifies
	uncertain              // some servers, or no answer: nothing is decided
	faulty                 // signatures fail
)

func classOf(r *check.Result) class {
	switch r.Verdict {
	case check.OK, check.Testing:
		if r.Passed {
			return good
		}
		return uncertain
	case check.Inconsistent, check.Temporary:
		return uncertain
	case check.TargetChanged:
		if r.Detour { // by a target of before, which is still served
			return uncertain
		}
	}
	return faulty
}

// reasonOf is the verdict as a reason for a key's health.
func reasonOf(r *check.Result) Reason {
	switch r.Verdict {
	case check.OK:
		return ReasonNone
	case check.Revoked:
		return ReasonOwnerRevoked
	}
	return Reason(r.Verdict)
}

// headline is the worst finding, which comes first.
func headline(r *check.Result) Finding {
	if len(r.Findings) == 0 {
		return Finding{}
	}
	return r.Findings[0]
}
