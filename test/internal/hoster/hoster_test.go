package hoster

import (
	"crypto/rsa"
	"testing"

	"github.com/postseal/postseal/dkim"
)

func TestKeysAreValidAndDistinct(t *testing.T) {
	const domains = 21 // all pairs of seven primes
	s, err := Make(t.TempDir(), domains)
	if err != nil {
		t.Fatal(err)
	}
	digest := make([]byte, 32)
	seen := map[string]bool{}
	for i := range domains {
		key, err := dkim.LoadPrivateKey(s.KeyFile(i))
		if err != nil {
			t.Fatal(err)
		}
		public := key.Public().(*rsa.PublicKey)
		if key.Bits() != 2048 || seen[public.N.String()] {
			t.Errorf("key %d has %d bits, seen before: %v", i, key.Bits(), seen[public.N.String()])
		}
		seen[public.N.String()] = true
		if _, err := key.Sign(digest); err != nil { // which verifies what it made
			t.Error(err)
		}
	}
}

func TestPairsAreDistinct(t *testing.T) {
	const domains = 100_000
	n := poolSize(domains)
	if n != 448 {
		t.Errorf("a pool of %d", n)
	}
	seen := make(map[[2]int]bool, domains)
	for i := range domains {
		a, b := pair(i)
		if a <= b || b < 0 || a >= n {
			t.Fatalf("pair %d is %d, %d", i, a, b)
		}
		seen[[2]int{a, b}] = true
	}
	if len(seen) != domains {
		t.Errorf("%d pairs", len(seen))
	}
}
