// SPDX-License-Identifier: Apache-2.0

// Package web is what people see of the review desk: call [New] for the handler
// of the pages at /review, of what is published at /findings and of the reports'
// API at /v1/reports.
//
// The pages are HTML that works without a script; one script adds keys and
// drafts. Everything is embedded, and the policy that goes with each page lets
// nothing else in. What came from outside reaches a page through html/template
// only, never as HTML.
package web

import (
	"cmp"
	"crypto/rand"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"haechi/rules"
	"haechi/server/oidc"
	"haechi/server/review"
)

//go:embed pages static
var files embed.FS

// Config is what the pages need to know.
type Config struct {
	Desk   *review.Desk
	Pack   func() rules.Pack               // the newest rules and sites
	Secure func(*http.Request) bool        // whether the browser spoke TLS
	Origin func(*http.Request) bool        // whether no browser or one of our extensions sends this
	Allow  func(*http.Request, Limit) bool // nil: everything
	OIDC   *oidc.Provider                  // nil: people sign in with passwords only
	Now    func() time.Time                // nil: time.Now
	Log    *slog.Logger
	// Publisher answers for what is published, in its data; empty: Publisher.
	Publisher string
	// Take keeps a report for the desk, for good when it returns a receipt;
	// nil: the desk does. An error that is ErrAway asks to send it again.
	Take func(review.Report) (review.Receipt, error)
}

// Publisher is who publishes, unless a Config says otherwise.
const Publisher = "해치 Haechi"

// Limit names what is limited for each client address.
type Limit string

const (
	SignIns Limit = "sign-ins"
	Reports Limit = "reports"
)

// Limits of what is sent, in bytes.
const (
	maxForm   = 128 << 10
	maxUpload = review.MaxCollection + maxForm
	maxReport = 64 << 10
)

// site is the handler's state; it only reads it.
type site struct {
	Config
	pages   map[string]*template.Template
	open    map[string]*template.Template // for everybody, at /findings
	exports chan struct{}                 // holds one for each export being written
	sealKey []byte                        // of what a browser keeps while it is at the identity provider
}

// visit is one request of somebody who is signed in.
type visit struct {
	*http.Request
	person review.Person
	token  string // of the session
}

// route is one page or action. Forms are POST and carry the session's token.
type route struct {
	method, path string
	right        review.Action // what the person must have the right to
	handle       func(*site, http.ResponseWriter, *visit)
}

// routes are all that is for people with an account.
var routes = []route{
	{"GET", "/review", review.See, (*site).queue},
	{"GET", "/review/next", review.Judge, (*site).next},
	{"GET", "/review/dispute", review.Adjudicate, (*site).dispute},
	{"GET", "/review/ready", review.Publish, (*site).ready},
	{"GET", "/review/case/{id}", review.See, (*site).showCase},
	{"POST", "/review/case/{id}/judge", review.Judge, (*site).judge},
	{"POST", "/review/case/{id}/undo", review.Judge, (*site).undo},
	{"POST", "/review/case/{id}/draft", review.Judge, (*site).draft},
	{"POST", "/review/case/{id}/let-go", review.Judge, (*site).letGo},
	{"POST", "/review/case/{id}/split", review.Judge, (*site).split},
	{"POST", "/review/case/{id}/adjudicate", review.Adjudicate, (*site).adjudicate},
	{"POST", "/review/case/{id}/publish", review.Publish, (*site).publish},
	{"POST", "/review/case/{id}/withdraw", review.Publish, (*site).withdraw},
	{"GET", "/review/corpus", review.Publish, (*site).corpus},
	{"POST", "/review/case/{id}/sign-off", review.Publish, (*site).signOff},
	{"POST", "/review/case/{id}/decline", review.Publish, (*site).decline},
	{"POST", "/review/assign", review.Assign, (*site).assign},
	{"GET", "/review/import", review.Import, (*site).importPage},
	{"POST", "/review/import", review.Import, (*site).importAnswers},
	{"GET", "/review/rules", review.Publish, (*site).records},
	{"GET", "/review/agreement", review.Adjudicate, (*site).agreementPage},
	{"GET", "/review/agreement.json", review.Adjudicate, (*site).agreementJSON},
	{"GET", "/review/export", review.See, (*site).exportPage},
	{"GET", "/review/export/findings.csv", review.See, (*site).exportCSV},
	{"GET", "/review/export/corpus.jsonl", review.See, (*site).exportCorpus},
	{"GET", "/review/export/claimreview.json", review.See, (*site).exportReviews},
	{"GET", "/review/export/handout", review.See, (*site).handout},
	{"GET", "/review/people", review.Staff, (*site).people},
	{"POST", "/review/people/invite", review.Staff, (*site).invite},
	{"POST", "/review/people/change", review.Staff, (*site).changePerson},
	{"GET", "/review/audit", review.Staff, (*site).audit},
	{"GET", "/review/audit.jsonl", review.Staff, (*site).exportAudit},
	{"GET", "/review/guide", review.See, (*site).guide},
	{"GET", "/review/me", review.See, (*site).me},
	{"POST", "/review/me/password", review.See, (*site).setPassword},
	{"POST", "/review/me/token", review.See, (*site).makeToken},
	{"POST", "/review/me/token/revoke", review.See, (*site).revokeToken},
	{"POST", "/review/me/connect", review.See, (*site).connect},
	{"POST", "/review/sign-out", review.See, (*site).signOut},
}

// door is one page or action for people without an account.
type door struct {
	method, path string
	handle       func(*site, http.ResponseWriter, *http.Request)
}

var doors = []door{
	{"GET", "/review/sign-in", (*site).signInPage},
	{"POST", "/review/sign-in", (*site).signIn},
	{"GET", "/review/oidc/start", (*site).beginOIDC},
	{"GET", callbackPath, (*site).oidcCallback},
	{"GET", "/review/join/{token}", (*site).joinPage},
	{"POST", "/review/join/{token}", (*site).join},
	{"GET", "/review/receipt", (*site).receiptPage},
	{"POST", "/review/receipt", (*site).receipt},
	{"POST", "/review/language", (*site).language},
}

// open is the API that needs no account.
var open = []door{
	{"GET", "/v1/corpus.jsonl", (*site).precedents},
	{"POST", "/v1/reports", (*site).takeReport},
	{"GET", "/v1/reports/{code}", (*site).reportStatus},
	{"DELETE", "/v1/reports/{code}", (*site).deleteReport},
	{"OPTIONS", "/v1/reports", (*site).preflight},
	{"OPTIONS", "/v1/reports/{code}", (*site).preflight},
}

// listed is a mux that remembers what it was given, so that a test finds a route
// that nobody thought about.
type listed struct {
	*http.ServeMux
	patterns []string
}

func (l *listed) HandleFunc(pattern string, handle http.HandlerFunc) { l.Handle(pattern, handle) }

func (l *listed) Handle(pattern string, handler http.Handler) {
	l.patterns = append(l.patterns, pattern)
	l.ServeMux.Handle(pattern, handler)
}

// New returns the handler.
func New(c Config) (http.Handler, error) {
	h, _, err := build(c)
	return h, err
}

// build also returns the patterns of everything that is served.
func build(c Config) (http.Handler, []string, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Allow == nil {
		c.Allow = func(*http.Request, Limit) bool { return true }
	}
	c.Publisher = cmp.Or(c.Publisher, Publisher)
	pages, err := parsePages("pages")
	if err != nil {
		return nil, nil, err
	}
	openPages, err := parsePages("pages/open")
	if err != nil {
		return nil, nil, err
	}
	s := &site{Config: c, pages: pages, open: openPages, exports: make(chan struct{}, maxExports), sealKey: make([]byte, 32)}
	if s.Take == nil {
		s.Take = s.takeHere
	}
	rand.Read(s.sealKey) // never fails
	own := &listed{ServeMux: http.NewServeMux()}
	for _, r := range routes {
		own.HandleFunc(r.method+" "+r.path, s.guarded(r))
	}
	for _, d := range doors {
		own.HandleFunc(d.method+" "+d.path, func(w http.ResponseWriter, r *http.Request) { d.handle(s, w, r) })
	}
	static, err := fs.Sub(files, "static")
	if err != nil {
		return nil, nil, err
	}
	own.Handle("GET /review/static/", http.StripPrefix("/review/static/", unlisted(http.FileServerFS(static))))
	own.HandleFunc("/review/", func(w http.ResponseWriter, r *http.Request) { s.problem(w, r, http.StatusNotFound, "missing") })

	// Browsers say where a form came from; the session's token in each form is
	// the second lock.
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.problem(w, r, http.StatusForbidden, "stale")
	}))
	mux := &listed{ServeMux: http.NewServeMux()}
	mux.Handle("/review", framed(protection.Handler(own)))
	mux.Handle("/review/", framed(protection.Handler(own)))
	s.public(mux)
	for _, d := range open {
		mux.HandleFunc(d.method+" "+d.path, func(w http.ResponseWriter, r *http.Request) { d.handle(s, w, r) })
	}
	for _, c := range calls {
		mux.HandleFunc(c.method+" "+c.path, s.called(c))
	}
	return mux, append(own.patterns, mux.patterns...), nil
}

// policy lets a page use what the server itself holds, and nobody put it in a
// frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func framed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // an invitation's address stays here
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// unlisted serves files, but no folders, and lets browsers keep them for a
// while: they change with the program only.
func unlisted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "" || r.URL.Path[len(r.URL.Path)-1] == '/' {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

// guarded lets people with the right in, and forms with the session's token.
func (s *site) guarded(to route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := s.sessionToken(r)
		person, err := s.Desk.Who(token)
		switch {
		case errors.Is(err, review.ErrSession):
			if r.Method != http.MethodGet {
				s.problem(w, r, http.StatusForbidden, "session")
				return
			}
			seeOther(w, r, "/review/sign-in?"+query("to", r.URL.RequestURI()))
			return
		case err != nil:
			s.failed(w, r, err)
			return
		case !person.Role.May(to.right):
			s.problem(w, r, http.StatusForbidden, "forbidden")
			return
		}
		if r.Method == http.MethodPost {
			if !s.form(w, r, to) {
				return
			}
			if !review.FormTokenMatches(token, r.PostFormValue("form")) {
				s.problem(w, r, http.StatusForbidden, "stale")
				return
			}
		}
		to.handle(s, w, &visit{r, person, token})
	}
}

// form reads a form within its limit.
func (s *site) form(w http.ResponseWriter, r *http.Request, to route) bool {
	limit := int64(maxForm)
	if to.path == "/review/import" {
		limit = maxUpload
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	err := r.ParseForm() // first: the other forgets its error
	if err == nil {
		err = r.ParseMultipartForm(maxUpload) // within the limit, so never on disk
	}
	if errors.Is(err, http.ErrNotMultipart) {
		err = nil
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		s.problem(w, r, http.StatusRequestEntityTooLarge, "large")
		return false
	case err != nil:
		s.problem(w, r, http.StatusBadRequest, "unreadable")
		return false
	}
	return true
}

// failed answers an error of the desk.
func (s *site) failed(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, review.ErrForbidden):
		s.problem(w, r, http.StatusForbidden, "forbidden")
	case errors.Is(err, review.ErrNotFound):
		s.problem(w, r, http.StatusNotFound, "missing")
	case errors.Is(err, review.ErrMoved):
		s.problem(w, r, http.StatusConflict, "moved")
	case errors.Is(err, review.ErrTaken):
		s.problem(w, r, http.StatusConflict, "taken")
	case errors.Is(err, review.ErrFull):
		s.problem(w, r, http.StatusInsufficientStorage, "full")
	default:
		s.Log.Error("review", "err", err)
		s.problem(w, r, http.StatusInternalServerError, "failed")
	}
}

func seeOther(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, to, http.StatusSeeOther)
}
