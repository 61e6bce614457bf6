package verifier

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	msgauth "github.com/emersion/go-msgauth/dkim"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/dkim/canon"
	"github.com/postseal/postseal/signer"
)

// opinion asks go-msgauth, an implementation that shares no code with ours, about the one signature of a message.
func opinion(t testing.TB, message string, z zone) dkim.Status {
	t.Helper()
	verdicts, err := msgauth.VerifyWithOptions(strings.NewReader(message), &msgauth.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		answer, err := z.LookupTXT(t.Context(), strings.TrimSuffix(name, "."))
		if err != nil {
			return nil, &net.DNSError{Err: err.Error(), Name: name, IsTemporary: !errors.Is(err, ErrNotFound)}
		}
		return answer.TXT, nil
	}})
	if err != nil || len(verdicts) != 1 {
		t.Fatalf("go-msgauth: %d verdicts, %v", len(verdicts), err)
	}
	switch err := verdicts[0].Err; {
	case err == nil:
		return pass
	case msgauth.IsPermFail(err):
		return permerror
	case msgauth.IsTempFail(err):
		return temperror
	}
	return fail
}

// What our signer makes passes here and there, and fails here and there once it is changed.
func TestAgreesOnOurSignatures(t *testing.T) {
	for _, a := range []dkim.Algorithm{dkim.RSASHA256, dkim.Ed25519SHA256} {
		private, err := dkim.Generate(a, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []string{"simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"} {
			t.Run(fmt.Sprint(a, " ", c), func(t *testing.T) {
				pair, err := canon.ParsePair(c)
				if err != nil {
					t.Fatal(err)
				}
				fields, start, err := dkim.ParseFields([]byte(plain))
				if err != nil {
					t.Fatal(err)
				}
				key := signer.Key{Domain: "example.com", Selector: "mail", Identity: "alice@mx.example.com", Private: private}
				m := signer.Begin(fields, []signer.Key{key}, signer.Options{Canonicalization: pair, Expire: time.Hour})
				m.Write([]byte(plain[start:]))
				signed := "DKIM-Signature: " + m.Sign(time.Now())[0].Value + "\r\n" + plain
				m.Release()

				z := publish(private.PublicRecord())
				for name, message := range map[string]string{
					"as signed":       signed,
					"Subject changed": strings.Replace(signed, "dinner", "supper", 1),
					"body changed":    signed + "x\r\n",
					"blanks added":    strings.Replace(signed, "Subject: Is", "Subject:  Is", 1),
					"blank lines":     signed + "\r\n\r\n",
					"blanks at ends":  signed + " \r\n",
				} {
					ours := verify(t, New(z, Options{}), message, 10)[0].Status
					if theirs := opinion(t, message, z); ours != theirs {
						t.Errorf("%s: %s here, %s there", name, ours, theirs)
					}
				}
			})
		}
	}
}

// differs lists the rows about which go-msgauth has another opinion, by the beginning of their names, and the sentence of RFC 6376
// that decides.
var differs = map[string]string{
	"T6/":         "3.2: a tag ends at a semicolon, so a b= inside another tag is none; go-msgauth empties the first \"b=\" that it finds",
	"T7/":         "3.5, l=: \"the number of octets in the body … included\"; go-msgauth fails every signature that has one",
	"T10/kept":    "3.4.3: nothing but CRLFs at the end changes; go-msgauth makes CRLF of a bare LF",
	"T18/":        "as T7",
	"T19/x= over": "3.5, t=: \"MAY consider any value longer than 12 digits to be infinite\"; go-msgauth takes it for a syntax error",
	"T20/with":    "3.6.1, t=s: \"the domain … MUST be the same\"; go-msgauth does not know the flag",
	"T24":         "3.6.1, v=: \"This tag MUST be the first tag in the record\"; go-msgauth takes it anywhere",
	"SE-9/":       "6.1.2, 8: \"public-key data … not suitable for use with the algorithm\"; go-msgauth takes a point for which anybody can sign, dkimpy does not",
	"T28/":        "3.6.2.2: several records are undefined; go-msgauth joins them, we try each",
}

func knownDifference(name string) (why string, known bool) {
	for beginning, why := range differs {
		if strings.HasPrefix(name, beginning) {
			return why, true
		}
	}
	return "", false
}

func TestAgreesOnRows(t *testing.T) {
	seen := make(map[string]bool) // the differences that there are
	for _, r := range slices.Concat(headerRows(), bodyRows(), tagRows(), keyRows()) {
		if r.status == policy || r.options.AllowPartialBody || r.options.ClockSkew != 0 || strings.HasPrefix(r.name, "T19/x= past") || r.name == "T19/x= to come" {
			continue // rules of ours, and another clock
		}
		t.Run(r.name, func(t *testing.T) {
			message, z := r.make(t)
			want := r.status
			if want == neutral { // it has one word for both
				want = permerror
			}
			if theirs := opinion(t, message, z); theirs != want {
				why, known := knownDifference(r.name)
				if !known {
					t.Errorf("%s here, %s there", want, theirs)
				}
				seen[why] = true
			}
		})
	}
	for name, why := range differs {
		if !seen[why] && !strings.HasPrefix(why, "as ") {
			t.Errorf("%s: there is no such difference (any more): %s", name, why)
		}
	}
}
