package hoster

import (
	"crypto/rand"
	"math/big"
	"runtime"
	"sync"
	"sync/atomic"
)

// prime is a prime with what all keys made of it have in common.
type prime struct {
	p  *big.Int
	p1 *big.Int // p-1
	d  *big.Int // the private exponent modulo p-1
}

var exponent = big.NewInt(65537)

// pool makes n primes, on all cores.
func pool(n, bits int) ([]prime, error) {
	primes := make([]prime, n)
	err := eachIndex(n, func(i int) (err error) {
		primes[i], err = newPrime(bits)
		return err
	})
	return primes, err
}

// newPrime looks for the first prime behind a random number. A sieve leaves some
// 40 candidates; crypto/rand.Prime tests three times as many, and more often.
func newPrime(bits int) (prime, error) {
	start, err := randomStart(bits)
	if err != nil {
		return prime{}, err
	}
	p, one := new(big.Int), big.NewInt(1)
	for offset, composite := range sieve(start) {
		if composite {
			continue
		}
		p.Add(start, big.NewInt(2*int64(offset)))
		if !p.ProbablyPrime(0) {
			continue
		}
		p1 := new(big.Int).Sub(p, one)
		if d := new(big.Int).ModInverse(exponent, p1); d != nil {
			return prime{p, p1, d}, nil
		}
	}
	return newPrime(bits)
}

// randomStart is odd and has the two top bits set, so that the product of two
// such numbers has twice as many bits.
func randomStart(bits int) (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits)))
	if err != nil {
		return nil, err
	}
	for _, bit := range []int{bits - 1, bits - 2, 0} {
		n.SetBit(n, bit, 1)
	}
	return n, nil
}

// sieve marks those of start, start+2, start+4, ... that have a small divisor.
func sieve(start *big.Int) *[1 << 13]bool {
	composite := new([1 << 13]bool)
	remainder := new(big.Int)
	for _, small := range smallPrimes() {
		r := remainder.Mod(start, big.NewInt(small)).Int64()
		i := (small - r) % small // the first offset that small divides
		if i%2 == 1 {
			i += small
		}
		for i /= 2; i < int64(len(composite)); i += small {
			composite[i] = true
		}
	}
	return composite
}

// smallPrimes are the odd ones up to 2^15.
var smallPrimes = sync.OnceValue(func() (primes []int64) {
	for n := int64(3); n < 1<<15; n += 2 {
		if big.NewInt(n).ProbablyPrime(0) { // which is certain below 2^64
			primes = append(primes, n)
		}
	}
	return primes
})

// poolSize is how many primes give that many pairs.
func poolSize(pairs int) int {
	n := 2
	for n*(n-1)/2 < pairs {
		n++
	}
	return n
}

// eachIndex calls f with 0 to n-1 on all cores and returns the first error.
func eachIndex(n int, f func(i int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, runtime.GOMAXPROCS(0))
	for range cap(errs) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := f(i); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs // nil when there is none
}
