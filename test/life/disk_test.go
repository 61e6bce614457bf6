package life

import (
	"os"
	"syscall"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// The disk under the store is full: mail goes on, the verbs say what is to be done, and all is well once there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := prepare(t, setup{})
	s.Must(syscall.Mount("small", s.Path("db"), "tmpfs", 0, "size=1m,mode=0700"))
	s.Must(os.Chown(s.Path("db"), sandbox.ServiceID, sandbox.ServiceID))
	s.start()
	key := s.zone + "/" + s.connected(s.zone)

	s.fill("db/ballast")
	s.within("the verbs", func() {
		s.run("domain", "add", "late."+s.zone).exits(temporary).warns("its disk is full; nothing was changed; make room there")
		s.run("domain", "disable", s.zone).exits(temporary).warns("its disk is full")
	})
	s.within("mail goes on", func() {
		s.isSigned(s.send("ada@"+s.zone), "managed-key", key)
	})
	s.within("room again", func() {
		s.Must(os.Remove(s.Path("db/ballast")))
		s.add("late." + s.zone)
		s.ok("domain", "disable", s.zone)
		s.Must(await.That("the milter follows", func() bool { return s.send("ada@"+s.zone).line.Reason == "domain-disabled" }))
	})
}

// fill takes all the room that there is.
func (s *story) fill(name string) {
	s.Helper()
	f, err := os.Create(s.Path(name))
	s.Must(err)
	defer f.Close()
	for _, size := range []int{4096, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
}
