package dkim

import "slices"

// Default is the selection that postseal signs with unless told otherwise: what a reader sees or acts on, and nothing that
// transport adds, changes or drops (RFC 6376 section 5.4.1). Bcc is not in it, since MTAs remove it after signing.
func Default() Selection {
	s := MailAssure().Omit("Bcc")
	s.Sign = append(s.Sign,
		"Content-ID", "Content-Description",
		"Resent-Date", "Resent-From", "Resent-To", "Resent-Cc",
		"List-Id", "List-Help", "List-Unsubscribe", "List-Subscribe", "List-Post", "List-Owner", "List-Archive",
		"List-Unsubscribe-Post", // RFC 8058 section 4: MUST be covered for one-click
		"Autocrypt", "Feedback-ID")
	return s
}

// MailAssure is the selection of the Mail Assure filter: exactly these fourteen fields. It has Bcc: where an MTA
// removes that field after the milter, the signature breaks.
func MailAssure() Selection {
	return Selection{
		Sign: []string{
			"From", "Date", "Subject", "Reply-To", "Sender", "To", "Cc", "Bcc", "Message-ID", "In-Reply-To", "References",
			"Content-Type", "MIME-Version", "Content-Transfer-Encoding",
		},
		Oversign:       slices.Clone(oversignDefault),
		OversignAbsent: slices.Clone(oversignAbsentDefault),
	}
}

// What displays wrongly when a second one is added (RFC 6376 section 8.15), and of it what nobody rightly adds on the way.
var (
	oversignDefault       = []string{"From", "Subject", "To", "Cc", "Reply-To", "Date", "Message-ID"}
	oversignAbsentDefault = []string{"From", "Subject", "Reply-To", "Cc"}
)

// Preset returns the selection of a name: "default" or "mail-assure".
func Preset(name string) (s Selection, ok bool) {
	switch name {
	case "default":
		return Default(), true
	case "mail-assure":
		return MailAssure(), true
	}
	return Selection{}, false
}
