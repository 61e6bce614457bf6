package machine

import (
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/sandbox"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

const server = "203.0.113.7"

// What is sent while the cable is out gets lost, and neither end hears of it; what a connection still wants to say arrives when
// the cable is in again.
func TestCable(t *testing.T) {
	must(t, Serve(server))
	listener, err := net.Listen("tcp", server+":7")
	must(t, err)
	defer listener.Close()
	m, err := New(0, "far.lab.test", t.TempDir())
	must(t, err)
	defer m.Remove()

	if name, err := m.Command("hostname").Output(); strings.TrimSpace(string(name)) != "far.lab.test" {
		t.Errorf("its name is %q, %v", name, err)
	}
	client := m.Command("python3", "-c", `
import socket, sys
s = socket.create_connection(("`+server+`", 7))
for line in sys.stdin: s.sendall(line.encode())`)
	words, err := client.StdinPipe()
	must(t, err)
	must(t, client.Start())
	defer client.Wait()
	conn, err := listener.Accept()
	must(t, err)
	if host, _, _ := net.SplitHostPort(conn.RemoteAddr().String()); host != m.Address {
		t.Errorf("it comes from %s", host)
	}

	must(t, m.Pull())
	_, err = words.Write([]byte("hello\n"))
	must(t, err)
	buf := make([]byte, 10)
	must(t, conn.SetReadDeadline(time.Now().Add(500*time.Millisecond)))
	if n, err := conn.Read(buf); !isTimeout(err) {
		t.Errorf("%q came through, %v", buf[:n], err)
	}
	if out, err := m.Command("timeout", "0.5", "python3", "-c", `import socket; socket.create_connection(("`+server+`", 7))`).CombinedOutput(); exitCode(err) != 124 {
		t.Errorf("somebody told the machine that it cannot connect: %v: %s", err, out)
	}
	must(t, m.Plug())
	must(t, conn.SetReadDeadline(time.Now().Add(await.Deadline)))
	if n, err := conn.Read(buf); string(buf[:n]) != "hello\n" {
		t.Errorf("%q came late, %v", buf[:n], err)
	}
	words.Close()
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func exitCode(err error) int {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
