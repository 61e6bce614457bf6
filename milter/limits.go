package milter

import "time"

// Limits bound what a peer can cost. A field that is zero has the value of DefaultLimits.
type Limits struct {
	// FrameBytes is the longest packet that is taken in. Both MTAs cut at 64 KiB; 1 MiB leaves room for Sendmail's larger chunks (SMFIP_MDS_1M).
	FrameBytes int
	// DrainBytes is the longest packet that is read and thrown away; its message then has a Fault. A longer length is no length: the peer is out of step, and the connection is closed.
	DrainBytes int
	// Connections is how many connections are served at once, over all listeners; 0 means any number. Further clients wait in the listener's backlog (or, one
	// for each of several listeners, accepted but not yet served): an MTA takes a connection that is accepted and closed for a failure, and a slow one for a busy filter.
	Connections int
	// IdleTimeout is how long a connection may stay silent between packets. MTAs keep it open as long as their own client stays; libmilter waits 7,210 seconds.
	IdleTimeout time.Duration
	// FrameTimeout is how long one packet may take to arrive from its first byte. MTAs write a packet at once; only a stuck or hostile peer leaves half of it.
	FrameTimeout time.Duration
	// WriteTimeout is how long a reply may take. MTAs await it; it takes a stuck peer to fill the socket's buffer.
	WriteTimeout time.Duration
}

// DefaultLimits are the limits of a Server that sets none.
var DefaultLimits = Limits{
	FrameBytes:   1 << 20,
	DrainBytes:   16 << 20,
	Connections:  0,
	IdleTimeout:  7210 * time.Second,
	FrameTimeout: 30 * time.Second,
	WriteTimeout: 30 * time.Second,
}

// orDefault fills in what is not set.
func (l Limits) orDefault() Limits {
	set := func(have *int, want int) {
		if *have <= 0 {
			*have = want
		}
	}
	wait := func(have *time.Duration, want time.Duration) {
		if *have <= 0 {
			*have = want
		}
	}
	set(&l.FrameBytes, DefaultLimits.FrameBytes)
	set(&l.DrainBytes, max(l.FrameBytes, DefaultLimits.DrainBytes))
	set(&l.Connections, DefaultLimits.Connections)
	wait(&l.IdleTimeout, DefaultLimits.IdleTimeout)
	wait(&l.FrameTimeout, DefaultLimits.FrameTimeout)
	wait(&l.WriteTimeout, DefaultLimits.WriteTimeout)
	return l
}
