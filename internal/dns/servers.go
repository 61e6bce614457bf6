package dns

import (
	"sync"
	"time"
)

// servers is whom to ask, and in which order.
type servers struct {
	fixed []string // HOST:PORT
	conf  *resolvConf
	now   func() time.Time

	mu     sync.Mutex
	failed map[string]time.Time // when a server did not do its work
}

// restTime is how long a server that failed is asked after the others: mail should not wait for a dead one again and again.
const restTime = 30 * time.Second

func newServers(c Config) (*servers, error) {
	s := &servers{now: c.Now, failed: map[string]time.Time{}}
	if len(c.Servers) == 0 {
		var err error
		s.conf, err = readResolvConf(c.ResolvConf)
		return s, err
	}
	for _, text := range c.Servers {
		server, err := serverAddress(text)
		if err != nil {
			return nil, err
		}
		s.fixed = append(s.fixed, server)
	}
	return s, nil
}

// order returns the servers, those that failed lately at the end.
func (s *servers) order() []string {
	all := s.fixed
	if s.conf != nil {
		all = s.conf.servers()
	}
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	var well, resting []string
	for _, server := range all {
		if at, ok := s.failed[server]; ok && now.Sub(at) < restTime {
			resting = append(resting, server)
		} else {
			well = append(well, server)
		}
	}
	return append(well, resting...)
}

func (s *servers) succeed(server string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.failed, server)
}

// fail notes that a server failed, unless the failure may well be that of the zone.
func (s *servers) fail(server string, err error) {
	if err == RcodeError("SERVFAIL") || err == ErrLoop {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed[server] = s.now()
}
