// Package miltertest is the MTA's end of the milter protocol, for tests of filters: in process by a [Listener], or of a daemon over its socket.
//
// An [MTA] plays one connection. Its methods send one command each and read the reply, if one was agreed on. [MTA.Send] plays a whole message in the way of Postfix or of
// Sendmail, whose ways were captured from the real ones, and tells what would be delivered. [MTA.Write] sends anything, so that a test can misbehave.
//
//	mta, err := miltertest.Dial("unix", "/run/postseal/milter.sock")
//	_, err = mta.Negotiate(miltertest.PostfixOffer)
//	result, err := mta.Send(miltertest.Message{From: "<a@example.org>", To: []string{"<b@example.net>"}, Raw: raw})
package miltertest
