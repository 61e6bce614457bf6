package main

import (
	"fmt"
	"os"

	"github.com/postseal/postseal/internal/access"
	"github.com/postseal/postseal/internal/config"
)

// unreadableByService names the files of drivers that root can read and the service
// cannot: a check that root runs would not notice.
func unreadableByService(cfg *config.Config) (problems []error) {
	if os.Geteuid() != 0 || len(cfg.Drivers) == 0 {
		return nil
	}
	service, err := access.Lookup(serviceGroup) // user and group have the same name
	if err != nil {
		return nil // not installed as a service
	}
	for i, d := range cfg.Drivers {
		if d.KeyFile == "" {
			continue
		}
		if why, fix := service.CannotRead(d.KeyFile); why != "" {
			problems = append(problems, cfg.Problem(fmt.Sprintf("driver[%d].key_file", i), fix, "the user %s cannot read %s: %s", service.Name, d.KeyFile, why))
		}
	}
	return problems
}
