package seal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"filippo.io/age"
)

// identity is a new X25519 identity.
func identity(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// box is newBox for identities, the first of which seals.
func box(t *testing.T, others []string, identities ...*age.X25519Identity) *Box {
	t.Helper()
	var text strings.Builder
	for _, id := range identities {
		fmt.Fprintln(&text, id)
	}
	b, err := newBox([]byte(text.String()), others)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sealed(t *testing.T, b *Box, plain string) []byte {
	t.Helper()
	out, err := b.Seal([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	if len(plain) > 6 && bytes.Contains(out, []byte(plain)) {
		t.Fatal("what was sealed can be read")
	}
	return out
}

func opens(t *testing.T, b *Box, blob []byte, want string) {
	t.Helper()
	if got, err := b.Open(blob); err != nil || string(got) != want {
		t.Errorf("opened %q, %v, want %q", got, err, want)
	}
}

func TestSealAndOpen(t *testing.T) {
	b := box(t, nil, identity(t))
	for _, plain := range []string{"", "k", strings.Repeat("PRIVATE", 500), strings.Repeat("x", maxPlain)} {
		opens(t, b, sealed(t, b, plain), plain)
	}
	if bytes.Equal(sealed(t, b, "same"), sealed(t, b, "same")) {
		t.Error("equal keys can be told from their sealed form")
	}
	if _, err := b.Seal(make([]byte, maxPlain+1)); err == nil {
		t.Error("sealed more than the bound")
	}
}

func TestFleetSealsToEachHost(t *testing.T) {
	one, two, stranger := identity(t), identity(t), identity(t)
	first := box(t, []string{two.Recipient().String()}, one)
	blob := sealed(t, first, "PRIVATE")
	opens(t, first, blob, "PRIVATE")
	opens(t, box(t, nil, two), blob, "PRIVATE")
	if _, err := box(t, nil, stranger).Open(blob); !errors.Is(err, ErrCannotOpen) || !strings.Contains(err.Error(), stranger.Recipient().String()) {
		t.Errorf("a stranger: %v, want ErrCannotOpen with the stranger's public key", err)
	}
	if got := first.Recipients(); len(got) != 2 || got[0] > got[1] {
		t.Errorf("recipients %v, want both, sorted", got)
	}
}

func TestRekey(t *testing.T) {
	old, fresh := identity(t), identity(t)
	blob := sealed(t, box(t, nil, old), "PRIVATE")
	both := box(t, nil, fresh, old)
	opens(t, both, blob, "PRIVATE")
	again, err := both.Rekey(blob)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, box(t, nil, fresh), again, "PRIVATE")
	if _, err := box(t, nil, old).Open(again); !errors.Is(err, ErrCannotOpen) {
		t.Errorf("the old identity still opens it: %v", err)
	}
	if _, err := box(t, nil, fresh).Rekey(blob); !errors.Is(err, ErrCannotOpen) {
		t.Errorf("rekeyed what it cannot open: %v", err)
	}
}

func TestOpenRefusesDamage(t *testing.T) {
	b := box(t, nil, identity(t))
	blob := sealed(t, b, "PRIVATE")
	damaged := map[string][]byte{"empty": nil, "garbage": []byte("garbage"), "too long": make([]byte, maxSealed+1)}
	for n := range blob {
		damaged[fmt.Sprint("cut at ", n)] = blob[:n]
		flipped := bytes.Clone(blob)
		flipped[n] ^= 1
		damaged[fmt.Sprint("bit flipped at ", n)] = flipped
	}
	for name, blob := range damaged {
		if plain, err := b.Open(blob); !errors.Is(err, ErrCannotOpen) || plain != nil {
			t.Errorf("%s: %q, %v", name, plain, err)
		}
	}
}

func TestNewBoxRefuses(t *testing.T) {
	id := identity(t)
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	broken := id.String()[:40] + "B!" + id.String()[42:]
	tests := []struct {
		name, identities string
		others           []string
		says             string
	}{
		{"nothing", "", nil, "not an age identity file"},
		{"comments only", "# public key: age1\n", nil, "not an age identity file"},
		{"PEM", "-----BEGIN PRIVATE KEY-----\n", nil, "not an age identity file"},
		{"damaged", broken, nil, "not an age identity file"},
		{"post-quantum", hybrid.String(), nil, "X25519"},
		{"a bad recipient", id.String(), []string{"age1nonsense"}, "age1nonsense"},
		{"a secret for a recipient", id.String(), []string{id.String()}, "secret key"},
		{"a secret in a recipient", id.String(), []string{" " + strings.ToLower(id.String())}, "secret key"},
		{"too many recipients", id.String(), strings.Fields(strings.Repeat("a ", 2) + manyWords(maxRecipients)), "more than 64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newBox([]byte(tt.identities), tt.others)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("error %v, want %q", err, tt.says)
			}
			hidesSecret(t, err.Error(), id.String(), broken)
		})
	}
}

func manyWords(n int) string {
	var words strings.Builder
	for i := range n {
		fmt.Fprintf(&words, "age%d ", i)
	}
	return words.String()
}

// hidesSecret fails when text shows eight characters in a row of one of the identities behind their common prefix.
func hidesSecret(t *testing.T, text string, identities ...string) {
	t.Helper()
	for _, id := range identities {
		id = strings.TrimPrefix(id, "AGE-SECRET-KEY-1")
		for i := range len(id) - 8 {
			if strings.Contains(strings.ToUpper(text), id[i:i+8]) {
				t.Fatalf("shows a secret: %s", text)
			}
		}
	}
}

func TestBoxIsNeverShown(t *testing.T) {
	id := identity(t)
	b := box(t, nil, id)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		hidesSecret(t, fmt.Sprintf(verb, b), id.String())
	}
}

func FuzzOpen(f *testing.F) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	b, err := newBox([]byte(id.String()), nil)
	if err != nil {
		f.Fatal(err)
	}
	blob, err := b.Seal([]byte("PRIVATE"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(blob)
	f.Add([]byte("age-encryption.org/v1\n-> X25519 a\nb\n--- c\n"))
	f.Fuzz(func(t *testing.T, blob []byte) {
		if _, err := b.Open(blob); err != nil && !errors.Is(err, ErrCannotOpen) {
			t.Errorf("error %v is no ErrCannotOpen", err)
		}
	})
}

func FuzzIdentityFile(f *testing.F) {
	f.Add("AGE-SECRET-KEY-1", "age1")
	f.Add("# comment\n\n", "")
	f.Fuzz(func(t *testing.T, text, recipient string) {
		if b, err := newBox([]byte(text), []string{recipient}); err == nil {
			blob, err := b.Seal([]byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			opens(t, b, blob, "x")
		}
	})
}
