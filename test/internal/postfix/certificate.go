package postfix

import (
	"path/filepath"

	"github.com/postseal/postseal/test/internal/certificate"
)

// writeCertificate makes a self-signed certificate for mx.lab.test and remembers it in p.Roots.
func (p *Postfix) writeCertificate() (err error) {
	p.Roots, err = certificate.Write("mx.lab.test", filepath.Join(p.ConfigDir, "cert.pem"), filepath.Join(p.ConfigDir, "key.pem"))
	return err
}
