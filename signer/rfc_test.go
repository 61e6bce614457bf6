package signer

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/dkim/canon"
)

// The keys and messages here are the published examples of RFC 8463 appendix A and RFC 6376 appendices A and C: test-only, known to all.

const rfc8463Ed25519 = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=" // A.1

const rfc8463RSA = `-----BEGIN RSA PRIVATE KEY-----
MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi
Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM
KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm
6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe
zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy
6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc
uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy
WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd
WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a
licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst
o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe
uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL
-----END RSA PRIVATE KEY-----
`

const rfc6376RSA = `-----BEGIN RSA PRIVATE KEY-----
MIICXwIBAAKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFC
jxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gb
to/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB
AoGBALmn+XwWk7akvkUlqb+dOxyLB9i5VBVfje89Teolwc9YJT36BGN/l4e0l6QX
/1//6DWUTB3KI6wFcm7TWJcxbS0tcKZX7FsJvUz1SbQnkS54DJck1EZO/BLa5ckJ
gAYIaqlA9C0ZwM6i58lLlPadX/rtHb7pWzeNcZHjKrjM461ZAkEA+itss2nRlmyO
n1/5yDyCluST4dQfO8kAB3toSEVc7DeFeDhnC1mZdjASZNvdHS4gbLIA1hUGEF9m
3hKsGUMMPwJBAPW5v/U+AWTADFCS22t72NUurgzeAbzb1HWMqO4y4+9Hpjk5wvL/
eVYizyuce3/fGke7aRYw/ADKygMJdW8H/OcCQQDz5OQb4j2QDpPZc0Nc4QlbvMsj
7p7otWRO5xRa6SzXqqV3+F0VpqvDmshEBkoCydaYwc2o6WQ5EBmExeV8124XAkEA
qZzGsIxVP+sEVRWZmW6KNFSdVUpk3qzK0Tz/WjQMe5z0UunY9Ax9/4PVhp/j61bf
eAYXunajbBSOLlx4D+TunwJBANkPI5S9iylsbLs6NkaMHV6k5ioHBBmgCak95JGX
GMot/L2x0IYyMLAz6oLWh2hm7zwtb0CgOrPo1ke44hFYnfc=
-----END RSA PRIVATE KEY-----
`

// examples are signature fields as the RFCs print them, b= included.
var examples = []struct {
	name, key, canon, h, record, extra, field string
	oneBlank                                  bool // the printed bh= is that of a body with one blank between its sentences
}{
	{
		name: "RFC 8463 A.3 ed25519-sha256", key: rfc8463Ed25519, canon: "relaxed/relaxed",
		h:      "from:to:subject:date:message-id:from:subject:date",
		record: "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
		field: `DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==`,
	},
	{
		name: "RFC 8463 A.3 rsa-sha256", key: rfc8463RSA, canon: "relaxed/relaxed",
		h: "from:to:subject:date:message-id:from:subject:date",
		field: `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=`,
	},
	{
		name: "RFC 6376 A.2", oneBlank: true, key: rfc6376RSA, canon: "simple/simple",
		h: "Received:From:To:Subject:Date:Message-ID",
		record: "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt" +
			"IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB",
		extra: `Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
`,
		field: `DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;`,
	},
}

// Ruling 46: B reproduces the published b= octet by octet, and the body gives the published bh=.
func TestPublishedExamples(t *testing.T) {
	for _, tt := range examples {
		t.Run(tt.name, func(t *testing.T) {
			private, err := dkim.ParsePrivateKey([]byte(tt.key))
			if err != nil {
				t.Fatal(err)
			}
			if tt.record != "" && private.PublicRecord() != tt.record {
				t.Errorf("record %s, want %s", private.PublicRecord(), tt.record)
			}
			message := []byte(crlf(tt.extra + dinner))
			if tt.oneBlank {
				message = bytes.Replace(message, []byte("game.  Are"), []byte("game. Are"), 1)
			}
			fields, body, err := dkim.ParseFields(message)
			if err != nil {
				t.Fatal(err)
			}
			_, want := tags(tt.field)
			c := pair(t, tt.canon)
			h := sha256.New()
			b := canon.NewBody(c.Body, h)
			b.Write(message[body:])
			b.Close()
			if got := base64.StdEncoding.EncodeToString(h.Sum(nil)); got != want["bh"] {
				t.Errorf("bh=%s, want %s", got, want["bh"])
			}
			got, err := B(private, c.Header, fields, strings.Split(tt.h, ":"), []byte(crlf(tt.field)))
			if err != nil {
				t.Fatal(err)
			}
			if got != want["b"] {
				t.Errorf("b=%s, want %s", got, want["b"])
			}
			if public, ok := private.Public().(*rsa.PublicKey); ok {
				verifyPublished(t, public, c.Header, fields, tt.h, tt.field, want["b"])
			}
		})
	}
}

// verifyPublished holds the published signature against our header input with the public half alone.
func verifyPublished(t *testing.T, public *rsa.PublicKey, k canon.Kind, fields *dkim.Fields, h, field, b string) {
	t.Helper()
	signature, err := base64.StdEncoding.DecodeString(b)
	if err != nil {
		t.Fatal(err)
	}
	input := dkim.AppendFields(nil, k, fields, fields.Instances(nil, strings.Split(h, ":")))
	digest := sha256.Sum256(dkim.AppendSignatureField(input, k, []byte(crlf(field))))
	if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature); err != nil {
		t.Errorf("the published signature does not verify: %v", err)
	}
}

// Our own layout of the same message with the same keys verifies everywhere; the judge stands for everywhere.
func TestPublishedKeysInOurLayout(t *testing.T) {
	var keys []Key
	for selector, text := range map[string]string{"brisbane": rfc8463Ed25519, "test": rfc8463RSA} {
		private, err := dkim.ParsePrivateKey([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, Key{Domain: "football.example.com", Selector: selector, Identity: "@football.example.com", Private: private})
	}
	message := crlf(dinner)
	s := sign(t, message, 10, Options{Canonicalization: pair(t, "relaxed/relaxed")}, epoch, keys...)
	mustPass(t, seal(t, message, s), publish(keys...), 2)
}
