package milter_test

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/miltertest"
)

func TestConnectionsAreCounted(t *testing.T) {
	server := &milter.Server{Handler: milter.HandlerFunc(func(*milter.Conn) milter.Session { return milter.NopSession{} })}
	expect := func(open int, accepted uint64) {
		t.Helper()
		if o, a := server.Connections(); o != open || a != accepted {
			t.Errorf("%d open, %d accepted, want %d, %d", o, a, open, accepted)
		}
	}
	expect(0, 0)
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- server.Serve(ln) }()
	for n := range 3 {
		mta, err := miltertest.Dial("unix", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer mta.Close()
		if _, err := mta.Negotiate(miltertest.PostfixOffer); err != nil {
			t.Fatal(err)
		}
		expect(n+1, uint64(n+1))
	}
	server.Shutdown(t.Context())
	<-ended
	expect(0, 3)
}
