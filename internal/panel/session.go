package panel

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"
)

// session is somebody who logged in with a token, or a message that waits for the next
// page of somebody.
type session struct {
	digest [sha256.Size]byte // of the token
	who    Identity          // nobody, if it is only a message
	whose  Identity          // counted for
	begun  time.Time
	used   time.Time
	note   *note
}

// sessions are those of this process: whoever logged in has to do so again after a restart.
type sessions struct {
	now func() time.Time
	key []byte // of the tokens in forms

	mu  sync.Mutex
	all map[string]*session // by the value of the cookie
}

// The bounds of a session.
const (
	maxSessions = 2000
	maxOfOne    = 100 // of one tenant, or one operator: nobody logs others out by logging in
	maxIdle     = 2 * time.Hour
	maxAge      = 12 * time.Hour
)

func newSessions(now func() time.Time) *sessions {
	key := make([]byte, 32)
	rand.Read(key)
	return &sessions{now: now, key: key, all: map[string]*session{}}
}

// newVisitor makes the value of a cookie.
func newVisitor() string { return rand.Text() }

// isVisitor takes the value of a cookie that we made.
func isVisitor(id string) bool { return len(id) == len(rand.Text()) }

// begin logs somebody in, under a name that nobody knew before.
func (s *sessions) begin(t *Token) (id string) {
	id = newVisitor()
	s.put(id, &session{digest: t.Digest, who: t.Identity, whose: t.Identity, begun: s.now()})
	return id
}

// of gives the session of somebody who logged in; nil if there is none.
func (s *sessions) of(id string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.living(id)
	if one == nil || one.who.Name == "" {
		return nil
	}
	one.used = s.now()
	seen := *one
	return &seen
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, id)
}

// leave keeps a message for the next page of a visitor.
func (s *sessions) leave(id string, who Identity, n note) {
	s.mu.Lock()
	one := s.living(id)
	if one != nil {
		one.note = &n
	}
	s.mu.Unlock()
	if one == nil {
		s.put(id, &session{note: &n, whose: who, begun: s.now()})
	}
}

// take gives the message, once.
func (s *sessions) take(id string) *note {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.living(id)
	if one == nil {
		return nil
	}
	n := one.note
	if one.note = nil; one.who.Name == "" {
		delete(s.all, id)
	}
	return n
}

// living drops a session that is over. The caller holds the lock.
func (s *sessions) living(id string) *session {
	one := s.all[id]
	if one == nil {
		return nil
	}
	if now := s.now(); now.Sub(one.used) > maxIdle || now.Sub(one.begun) > maxAge {
		delete(s.all, id)
		return nil
	}
	return one
}

// put adds a session; where there are too many, the one that was idle longest goes: of those
// that the same one has, or of all.
func (s *sessions) put(id string, one *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.used = s.now()
	s.makeRoom(maxOfOne, func(other *session) bool { return other.whose.countedAs() == one.whose.countedAs() })
	s.makeRoom(maxSessions, func(*session) bool { return true })
	s.all[id] = one
}

// makeRoom lets one more session of a kind be there. The caller holds the lock.
func (s *sessions) makeRoom(most int, kind func(*session) bool) {
	oldest, n := "", 0
	for id := range s.all {
		one := s.living(id)
		if one == nil || !kind(one) {
			continue
		}
		if n++; oldest == "" || one.used.Before(s.all[oldest].used) {
			oldest = id
		}
	}
	if n >= most {
		delete(s.all, oldest)
	}
}

// countedAs: the people of a tenant share, however many names a proxy sends.
func (i Identity) countedAs() Identity {
	if !i.Operator() {
		i.Name = ""
	}
	return i
}

// formToken ties a form to a visitor and to who that is.
func (s *sessions) formToken(visitor string, who Identity) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(visitor + "\x00" + who.Name + "\x00" + who.Tenant))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *sessions) isFormToken(token, visitor string, who Identity) bool {
	return hmac.Equal([]byte(token), []byte(s.formToken(visitor, who)))
}
