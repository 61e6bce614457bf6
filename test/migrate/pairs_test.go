package migrate

import (
	"fmt"
	"testing"
)

// pairwise gives a list of configurations in which each two levels of each two factors occur together. levels has the
// number of levels of each factor; a configuration has one level for each. It is greedy and always gives the same.
func pairwise(levels []int) (all [][]int) {
	open := allPairs(levels)
	for len(open) > 0 {
		all = append(all, nextConfiguration(levels, open))
		for _, p := range pairsOf(all[len(all)-1]) {
			delete(open, p)
		}
	}
	return all
}

// pair are two levels of two factors.
type pair struct{ factor1, level1, factor2, level2 int }

func allPairs(levels []int) map[pair]bool {
	all := map[pair]bool{}
	for f1, n1 := range levels {
		for f2 := f1 + 1; f2 < len(levels); f2++ {
			for l1 := range n1 {
				for l2 := range levels[f2] {
					all[pair{f1, l1, f2, l2}] = true
				}
			}
		}
	}
	return all
}

func pairsOf(configuration []int) (all []pair) {
	for f1, l1 := range configuration {
		for f2 := f1 + 1; f2 < len(configuration); f2++ {
			all = append(all, pair{f1, l1, f2, configuration[f2]})
		}
	}
	return all
}

// nextConfiguration takes the first open pair, and for each further factor the level that closes most.
func nextConfiguration(levels []int, open map[pair]bool) []int {
	c := make([]int, len(levels))
	for f := range c {
		c[f] = -1
	}
	first := firstOpen(levels, open)
	c[first.factor1], c[first.factor2] = first.level1, first.level2
	for f := range c {
		if c[f] >= 0 {
			continue
		}
		best := -1
		for l := range levels[f] {
			if n := closes(c, f, l, open); n > best {
				best, c[f] = n, l
			}
		}
	}
	return c
}

func firstOpen(levels []int, open map[pair]bool) pair {
	for f1, n1 := range levels {
		for f2 := f1 + 1; f2 < len(levels); f2++ {
			for l1 := range n1 {
				for l2 := range levels[f2] {
					if p := (pair{f1, l1, f2, l2}); open[p] {
						return p
					}
				}
			}
		}
	}
	panic("no pair is open")
}

// closes counts the open pairs that a level of f makes with the levels that are chosen.
func closes(c []int, f, l int, open map[pair]bool) (n int) {
	for other, level := range c {
		switch {
		case level < 0 || other == f:
		case other < f && open[pair{other, level, f, l}], other > f && open[pair{f, l, other, level}]:
			n++
		}
	}
	return n
}

func TestPairwise(t *testing.T) {
	levels := []int{4, 3, 2, 2, 5}
	have := pairwise(levels)
	open := allPairs(levels)
	for _, c := range have {
		for _, p := range pairsOf(c) {
			delete(open, p)
		}
	}
	if len(open) > 0 {
		t.Errorf("%d pairs are in no configuration: %v", len(open), open)
	}
	if len(have) >= 4*3*2*2*5/4 {
		t.Errorf("%d configurations: not much fewer than all", len(have))
	}
	if again := pairwise(levels); fmt.Sprint(again) != fmt.Sprint(have) {
		t.Errorf("two runs give different lists")
	}
}
