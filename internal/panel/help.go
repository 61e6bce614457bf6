package panel

import (
	"net/http"

	"github.com/postseal/postseal/internal/domains/records"
)

// topics of the help, in order.
var topics = []labelled{
	{"dkim", "What is DKIM?"},
	{"publishing", "Publishing the records"},
	{"status", "What the statuses mean"},
	{"sending", "Good sending practice"},
	{"words", "Words"},
}

type helpPage struct {
	Topic     string
	Topics    []labelled
	Providers []records.Provider
}

func (v *visit) helpPage() error {
	topic := v.r.PathValue("topic")
	if topic == "" {
		topic = topics[0].Label
	}
	for _, t := range topics {
		if t.Label == topic {
			return v.render(http.StatusOK, "help", t.Value, helpPage{topic, topics, records.Providers()}, nil)
		}
	}
	return errNotFound
}
