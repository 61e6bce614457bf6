package check

import (
	"context"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

// Text judges the text of a record that somebody has at hand, without asking DNS. Subject.Domain and Selector may be empty.
func (e *Engine) Text(ctx context.Context, s Subject, text string) Result {
	c := e.begin(s)
	c.via = Pasted
	c.report.asked = "nobody: the text is at hand"
	record := authority.Record{Type: authority.TXT, Strings: dkim.TXTStrings(text)}
	c.end = view{answered: []authority.Answer{{Status: authority.Found, Records: []authority.Record{record}}}}
	c.report.common["found"] = quote(text)
	c.single(ctx, record)
	return c.result()
}
