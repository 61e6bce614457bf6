package filter

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressIsToldUntilTheEnd(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration
		gone  int // calls after which the connection fails
		want  int
	}{
		{"fast", time.Millisecond, 0, 0},
		{"just before the first", progressEvery - 1, 0, 0},
		{"slow", progressEvery + 1, 0, 1},
		{"very slow", 5*progressEvery + 1, 0, 5},
		{"connection gone", 5*progressEvery + 1, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := 0
				stop := keepUp(func() error {
					if told++; told == c.gone {
						return errors.New("gone")
					}
					return nil
				})
				time.Sleep(c.after)
				stop()
				time.Sleep(2 * progressEvery)
				if told != c.want {
					t.Errorf("told %d times, want %d", told, c.want)
				}
			})
		})
	}
}
