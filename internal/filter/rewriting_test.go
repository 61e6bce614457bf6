package filter

import (
	"slices"
	"testing"

	"github.com/postseal/postseal/dkim"
)

func TestSendmailRewrites(t *testing.T) {
	for value, want := range map[string][2]bool{
		" a@x.example":                         {false, false},
		" a@x.example, b@x.example":            {false, false},
		" a@x.example,\r\n\tb@x.example":       {false, false},
		" a@x.example,b@x.example":             {true, false},
		" a@x.example , b@x.example":           {true, false},
		` "A, B" <a@x.example>, b@x.example`:   {false, false},
		` "A,\"B" <a@x.example>`:               {false, false},
		" a@x.example (one,two), b@x.example":  {false, false},
		" <@r.example,@s.example:a@x.example>": {false, false},
		" Friends: a@x.example, b@x.example;":  {false, false},
		" undisclosed-recipients:;":            {false, false},
		" bob":                                 {false, true},
		" a@x.example, bob":                    {false, true},
		" Bob <bob>, a@x.example":              {false, true},
		"":                                     {false, false},
		" (just a comment)":                    {false, false},
		` "quoted@inside"`:                     {false, true},
		" a@x.example,":                        {false, false},
	} {
		respaced, unqualified := sendmailRewrites([]byte(value))
		if got := [2]bool{respaced, unqualified}; got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
}

func TestHeaderWarnings(t *testing.T) {
	header := "From: a@x.example\r\nTo: a@x.example,b@x.example\r\nCc: bob\r\nBcc: secret@x.example\r\n\r\n"
	fields, _, err := dkim.ParseFields([]byte(header))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dropped []string
		mta     string
		want    []string
	}{
		"Postfix leaves the header alone":      {[]string{"Bcc"}, "Postfix 3.7.11", nil},
		"Sendmail":                             {[]string{"Bcc"}, "", []string{warnDropped, warnRespaced, warnUnqualified}},
		"nothing is dropped that is not there": {[]string{"Content-Length"}, "", []string{warnRespaced, warnUnqualified}},
	} {
		if got := headerWarnings(fields, c.dropped, c.mta); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
