// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"haechi/server/review"
	"haechi/server/store"
)

func runReview(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return dispatch("haechi review", []subcommand{
		{"invite", "print a link with which one person makes an account", runReviewInvite},
	}, args, stdin, stdout, stderr)
}

const reviewInviteHelp = `
Prints a link to the review desk at /review. Whoever opens it first makes an
account with the role; it works once, within 7 days. This is how the first admin
comes in, and how one who forgot his password gets a new account; an admin
invites the others on the page. If a server runs on the directory, it is asked through
admin.sock; else the directory is opened itself.

The roles are viewer, reviewer, adjudicator, maintainer and admin; each may do
what those before it may.

Example:
  haechi review invite --role admin --data ./data --url https://haechi.example`

func runReviewInvite(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := newOptions("review invite", "[--role ROLE] [--data DIR] [--url URL]", reviewInviteHelp)
	role := o.String("role", string(review.Reviewer), "the person gets the `ROLE`")
	dir := o.String("data", "./data", "invite to the desk in `DIR`")
	base := o.String("url", "http://127.0.0.1:8787", "the server's address as browsers know it is `URL`")
	if _, code, ok := o.parse(args, 0, 0, stdout, stderr); !ok {
		return code
	}
	if !review.Role(*role).Known() {
		return o.wrong(stderr, "--role %q is none of %v", *role, review.Roles)
	}
	u, err := url.Parse(*base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return o.wrong(stderr, "--url %q is no http or https address", *base)
	}
	token, err := inviteTo(context.Background(), *dir, review.Role(*role))
	if err != nil {
		return o.failed(stderr, err)
	}
	fmt.Fprintf(stdout, "%s://%s/review/join/%s\n", u.Scheme, u.Host, token)
	return exitDone
}

// inviteTo makes an invitation in a data directory, whether a server runs on it
// or not.
func inviteTo(ctx context.Context, dir string, role review.Role) (token string, err error) {
	if c := dialAdmin(ctx, dir); c != nil {
		response, err := askAdmin(ctx, c, http.MethodPost, "/review/invite?role="+url.QueryEscape(string(role)))
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		b, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return strings.TrimSpace(string(b)), err
	}
	st, err := store.OpenExisting(filepath.Join(dir, storeDir), nil)
	if errors.Is(err, store.ErrLocked) {
		err = fmt.Errorf("%w, and its %s does not answer; stop it, and invite then", err, adminSocket)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; start \"haechi serve --data %s\" once to make it", err, dir)
	}
	if err != nil {
		return "", err
	}
	desk, err := review.Open(st.Review(), review.Config{})
	if err == nil {
		token, err = desk.InviteByOperator(role)
	}
	return token, errors.Join(err, st.Close())
}
