package milter_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/miltertest"
)

// BenchmarkMessage is the cost of the protocol alone: messages as Postfix sends them, each in writes of at most 4,096 bytes, through a unix socket to a filter that does
// nothing. cpu-ms/msg is the CPU time of the whole process, of which the sending end has its part.
func BenchmarkMessage(b *testing.B) {
	const quiet = milter.StepNoReplyConnect | milter.StepNoReplyHelo | milter.StepNoReplyMail | milter.StepNoReplyRcpt | milter.StepNoReplyData |
		milter.StepNoReplyHeader | milter.StepNoReplyEOH | milter.StepNoReplyBody | milter.StepLeadingSpace
	for _, steps := range []struct {
		name  string
		steps milter.Step
	}{{"quiet", quiet}, {"replies", milter.StepLeadingSpace}} {
		for _, size := range []int{4 << 10, 50 << 10, 1 << 20} {
			b.Run(fmt.Sprintf("%s/%dKB", steps.name, size>>10), func(b *testing.B) {
				benchmark(b, steps.steps, size)
			})
		}
	}
}

func benchmark(b *testing.B, steps milter.Step, size int) {
	l, err := net.Listen("unix", filepath.Join(b.TempDir(), "m"))
	if err != nil {
		b.Fatal(err)
	}
	s := &milter.Server{Handler: nothing, Steps: steps, Actions: milter.ActAddHeader, Log: slog.New(slog.DiscardHandler)}
	go s.Serve(l)
	defer s.Close()
	m, err := miltertest.Dial("unix", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Negotiate(miltertest.PostfixOffer); err != nil {
		b.Fatal(err)
	}
	m.Connect(m.Client)
	packets := postfixMessage(size)
	reply := make([]byte, 64)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	start := cpu()
	var unsent bytes.Buffer
	for b.Loop() {
		for _, p := range packets {
			unsent.Write(p.wire)
			if !p.replied || steps&milter.StepNoReplyHeader != 0 && !p.last {
				continue
			}
			for unsent.Len() > 0 {
				if _, err := m.Conn.Write(unsent.Next(4096)); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := io.ReadFull(m.Conn, reply[:5]); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(cpu()-start)/1e6/float64(b.N), "cpu-ms/msg")
}

// onePacket is a packet as the sender sees it.
type onePacket struct {
	wire          []byte
	replied, last bool
}

// postfixMessage is a message of some size with 20 fields, macros before each field and chunk.
func postfixMessage(size int) (list []onePacket) {
	add := func(cmd milter.Command, data string) {
		macros := miltertest.Packet(milter.CmdMacro, append([]byte{byte(cmd)}, "i\x004XyZ1234\x00"...)...)
		list = append(list, onePacket{wire: append(macros, miltertest.Packet(cmd, []byte(data)...)...), replied: true, last: cmd == milter.CmdEOM})
	}
	list = append(list, onePacket{wire: miltertest.Packet(milter.CmdAbort)})
	add(milter.CmdMail, "<a@example.org>\x00")
	add(milter.CmdRcpt, "<b@example.net>\x00")
	add(milter.CmdData, "")
	for i := range 20 {
		add(milter.CmdHeader, fmt.Sprintf("X-Field-%d\x00 %s\x00", i, strings.Repeat("v", 60)))
	}
	add(milter.CmdEOH, "")
	for body := strings.Repeat("a line of the body, seventy-odd characters long, as they come in mail.\r\n", size/72); body != ""; {
		n := min(len(body), 65535)
		add(milter.CmdBody, body[:n])
		body = body[n:]
	}
	add(milter.CmdEOM, "")
	return list
}

// cpu is the CPU time that this process has used, in nanoseconds.
func cpu() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}
