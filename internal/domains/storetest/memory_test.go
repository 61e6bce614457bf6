package storetest

import (
	"testing"

	"github.com/postseal/postseal/internal/domains"
)

func TestMemory(t *testing.T) {
	Run(t, func(*testing.T) domains.Store { return NewMemory() })
}
