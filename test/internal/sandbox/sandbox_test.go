package sandbox

import (
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/postseal/postseal/test/internal/await"
)

func TestMain(m *testing.M) { Main(m) }

func TestHostNameIsTheSandboxs(t *testing.T) {
	if name, err := os.Hostname(); name != Hostname {
		t.Errorf("host name %q, %v", name, err)
	}
}

func TestOuterAddressesAreBoundWithoutTheHostsInterfaces(t *testing.T) {
	interfaces, err := net.Interfaces()
	if err != nil || len(interfaces) != 1 {
		t.Errorf("want lo alone, have %v, %v", interfaces, err)
	}
	for _, a := range []string{OuterIPv4, ClientIPv4, OuterIPv6, ClientIPv6, Resolver} {
		l, err := net.Listen("tcp", net.JoinHostPort(a, "25"))
		if err != nil {
			t.Error(err)
			continue
		}
		l.Close()
	}
}

func TestUsersExist(t *testing.T) {
	for name, id := range map[string]int{Service: ServiceID, Anyone: AnyoneID} {
		if u, err := user.Lookup(name); err != nil || u.Uid != strconv.Itoa(id) {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
}

func TestPostfixConfigurationIsAWritableCopy(t *testing.T) {
	if err := os.WriteFile("/etc/postfix/main.cf", []byte("# sandbox\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(Dir(), "etc/postfix/main.cf")); err != nil {
		t.Error("written to the host:", err)
	}
}

func TestSharedMemoryIsItsOwn(t *testing.T) {
	if left, err := os.ReadDir(sharedMemory); err != nil || len(left) > 0 {
		t.Errorf("somebody else's: %v, %v", left, err)
	}
	if f, err := os.Stat(sharedMemory); err != nil || f.Mode() != os.ModeDir|os.ModeSticky|0o777 {
		t.Errorf("not open to every user: %v, %v", f, err)
	}
}

func TestOrphansAreReaped(t *testing.T) {
	out, err := exec.Command("sh", "-c", "sleep 0.01 >/dev/null 2>&1 & echo $!").Output()
	if err != nil {
		t.Fatal(err)
	}
	orphan := "/proc/" + string(out[:len(out)-1])
	for end := time.Now().Add(await.Deadline); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(orphan); os.IsNotExist(err) {
			return
		}
		if time.Now().After(end) {
			t.Fatal("an orphan stays a zombie")
		}
	}
}
