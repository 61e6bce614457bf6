package main

import (
	"os"

	"github.com/postseal/postseal/internal/config"
)

// credentialsVar is where systemd tells a service its credentials are (systemd.exec(5)).
const credentialsVar = "CREDENTIALS_DIRECTORY"

// serviceCredentials are those of the packages' unit, while it runs; its user may read them.
const serviceCredentials = "/run/credentials/postseal.service"

// borrowCredential lets a command open the store with the identity that systemd gave to the service.
func borrowCredential(store config.Store) {
	if store.Credential == "" || os.Getenv(credentialsVar) != "" {
		return
	}
	if _, err := os.Stat(serviceCredentials); err == nil {
		os.Setenv(credentialsVar, serviceCredentials)
	}
}
