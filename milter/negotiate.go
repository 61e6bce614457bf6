package milter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// errRefused ends a connection with an MTA that this server cannot work for: an error of the configuration on one side.
var errRefused = errors.New("milter: negotiation refused")

// Negotiation is what this side and the MTA agreed on.
type Negotiation struct {
	Version uint32 // of the protocol, 2 to 6
	Actions Action
	Steps   Step
}

// wish is what a server wants of an MTA.
type wish struct {
	actions, required Action
	steps             Step
	macros            []byte // the lists of SETSYMLIST as they go into the answer
}

// newWish puts a server's settings into the form that negotiations need.
func newWish(s *Server) wish {
	w := wish{actions: s.Actions | s.Required, required: s.Required, steps: s.Steps &^ StepNoMail}
	var wanted map[Stage][]string
	if s.Macros != nil {
		wanted = s.Macros()
	}
	for stage := range stages {
		if names := wanted[stage]; len(names) > 0 {
			w.macros = binary.BigEndian.AppendUint32(w.macros, uint32(stage))
			w.macros = append(w.macros, strings.Join(names, " ")...)
			w.macros = append(w.macros, 0)
		}
	}
	if w.macros != nil {
		w.actions |= ActSetMacros
	}
	return w
}

// negotiate answers an offer: it takes from it what is wanted, never a bit that was not offered. It gives the agreement and the data of the answer.
func (w wish) negotiate(offer []byte) (Negotiation, []byte, error) {
	if len(offer) < 12 {
		return Negotiation{}, nil, violation("OPTNEG of %d bytes", len(offer))
	}
	version := binary.BigEndian.Uint32(offer)
	actions := Action(binary.BigEndian.Uint32(offer[4:]))
	steps := Step(binary.BigEndian.Uint32(offer[8:]))
	if version < minVersion {
		return Negotiation{}, nil, fmt.Errorf("%w: the MTA speaks version %d of the milter protocol, at least %d is needed", errRefused, version, minVersion)
	}
	if missing := w.required &^ actions; missing != 0 {
		return Negotiation{}, nil, fmt.Errorf("%w: the MTA does not offer what is required: %v (it offers %v); look for a restriction of this milter in its configuration",
			errRefused, missing, actions)
	}
	n := Negotiation{Version: min(version, maxVersion), Actions: actions & w.actions, Steps: steps & w.steps}
	answer := binary.BigEndian.AppendUint32(nil, n.Version)
	answer = binary.BigEndian.AppendUint32(answer, uint32(n.Actions))
	answer = binary.BigEndian.AppendUint32(answer, uint32(n.Steps))
	if n.Actions&ActSetMacros != 0 {
		answer = append(answer, w.macros...)
	}
	return n, answer, nil
}
