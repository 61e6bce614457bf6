package milter

// Connections counts those that are open now, and all that were accepted so far.
func (s *Server) Connections() (open int, accepted uint64) {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.connections), s.ids.Load()
}
