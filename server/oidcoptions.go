// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"haechi/server/oidc"
)

// oidcOptions name the identity provider of the review desk.
type oidcOptions struct{ issuer, client, secretFile, name string }

func (c *oidcOptions) declare(o *options) {
	o.StringVar(&c.issuer, "oidc-issuer", "", "let invited people sign in to the review desk through the OpenID Connect provider at `URL`")
	o.StringVar(&c.client, "oidc-client-id", "", "this server is registered there as `ID`")
	o.StringVar(&c.secretFile, "oidc-client-secret-file", "", "with the secret in `FILE`; none for a public client")
	o.StringVar(&c.name, "oidc-name", "", "people call the provider `NAME` (default its host)")
}

// open reads the secret; nil is no provider.
func (c *oidcOptions) open() (*oidc.Provider, error) {
	if c.issuer == "" {
		if c.client+c.secretFile+c.name != "" {
			return nil, errors.New("--oidc-client-id, --oidc-client-secret-file and --oidc-name are for --oidc-issuer")
		}
		return nil, nil
	}
	secret := ""
	if c.secretFile != "" {
		b, err := os.ReadFile(c.secretFile)
		if err != nil {
			return nil, fmt.Errorf("--oidc-client-secret-file: %w", err)
		}
		if secret = strings.TrimSpace(string(b)); secret == "" {
			return nil, fmt.Errorf("--oidc-client-secret-file %s is empty", c.secretFile)
		}
	}
	p, err := oidc.New(oidc.Config{Issuer: c.issuer, ClientID: c.client, ClientSecret: secret, Name: c.name})
	if err != nil {
		return nil, fmt.Errorf("--oidc-issuer: %w", err)
	}
	return p, nil
}
