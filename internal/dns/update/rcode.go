package update

import (
	"fmt"
	"time"

	wire "github.com/miekg/dns"
)

// Error is a server's refusal. Its text says what to do.
type Error struct {
	Server string // HOST:PORT
	Zone   string
	Name   string // that was to be changed
	Key    string // name of the key that signed
	Rcode  int    // of the answer (RFC 2136 section 2.2), or of its signature (RFC 8945 section 3)

	asked      bool      // it was a question, not an update
	serverTime time.Time // with BADTIME
}

// Conflict: something stands at the name that was not expected there, or does not stand
// there that was.
func (e *Error) Conflict() bool {
	switch e.Rcode {
	case wire.RcodeYXDomain, wire.RcodeYXRrset, wire.RcodeNXRrset, wire.RcodeNameError:
		return !e.asked
	}
	return false
}

// MayBeDone: a server that forwards updates says the same where the primary has done one and
// its answer got lost (RFC 2136 section 6).
func (e *Error) MayBeDone() bool { return !e.asked && e.Rcode == wire.RcodeServerFailure }

func (e *Error) Error() string {
	return fmt.Sprintf("the name server %s says %s: %s", e.Server, e.Word(), e.advice())
}

// Word is the name of the answer.
func (e *Error) Word() string {
	switch e.Rcode { // the numbers from 16 on have other names in EDNS
	case wire.RcodeBadSig:
		return "BADSIG"
	case wire.RcodeBadTrunc:
		return "BADTRUNC"
	}
	if word, ok := wire.RcodeToString[e.Rcode]; ok {
		return word
	}
	return fmt.Sprintf("RCODE%d", e.Rcode)
}

func (e *Error) advice() string {
	switch e.Rcode {
	case wire.RcodeYXDomain, wire.RcodeYXRrset:
		return fmt.Sprintf("something stands at %s that postseal did not write; it is left as it is", e.Name)
	case wire.RcodeNXRrset, wire.RcodeNameError:
		return fmt.Sprintf("what stood at %s was changed by somebody else at this moment; it is left as it is", e.Name)
	case wire.RcodeRefused:
		if e.asked {
			return fmt.Sprintf("it may not be asked about %s by this host with the key %s; is it the primary of %s, and does it allow queries?", e.Name, e.Key, e.Zone)
		}
		return fmt.Sprintf("its rules do not let the key %s change %s in %s; BIND has allow-update or update-policy for that, Knot an acl with action: update and this key", e.Key, e.Name, e.Zone)
	case wire.RcodeNotAuth:
		return fmt.Sprintf("it does not serve the zone %s as its primary; see `server` and `zones` of the driver, and that the server has loaded the zone", e.Zone)
	case wire.RcodeNotZone:
		return fmt.Sprintf("%s is not in its zone %s: a part of the zone may be delegated; see `zones` of the driver", e.Name, e.Zone)
	case wire.RcodeNotImplemented:
		return fmt.Sprintf("it takes no updates of %s; is it a secondary?", e.Zone)
	case wire.RcodeServerFailure:
		return fmt.Sprintf("it could not store the change of %s; its own log says why (a journal that cannot be written, a zone that is frozen)", e.Zone)
	case wire.RcodeFormatError:
		return "it does not understand the update; its own log says why"
	case wire.RcodeBadKey:
		return fmt.Sprintf("it does not know the key %s, or knows it for another algorithm; see `key` of the driver and the server's own key statement", e.Key)
	case wire.RcodeBadSig:
		return fmt.Sprintf("its secret of the key %s is another one than ours; copy the key file anew", e.Key)
	case wire.RcodeBadTime:
		text := "its clock and ours differ by more than five minutes; set them by NTP"
		if !e.serverTime.IsZero() {
			text += fmt.Sprintf(" (it says %s, this host %s)", e.serverTime.Format("2006-01-02 15:04:05 UTC"), time.Now().UTC().Format("2006-01-02 15:04:05 UTC"))
		}
		return text
	case wire.RcodeBadTrunc:
		return fmt.Sprintf("it wants longer signatures with the key %s than we make", e.Key)
	}
	return "its own log may say why"
}
