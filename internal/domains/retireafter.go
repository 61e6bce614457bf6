package domains

import "time"

// RetireAfter is how long the record of a key has to outlive its last signature (D621).
func (s *Service) RetireAfter(d Domain, k Key) time.Duration {
	return s.life(Situation{Domain: d}, "", "").retireAfter(&d, &k)
}
