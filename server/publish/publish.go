// SPDX-License-Identifier: Apache-2.0

// Package publish decides what becomes a release and serves what clients ask
// for: call [New], then [Publisher.Publish] with a maintainer's push.
//
// A push is checked like any client would check it, under the same root, so
// the server can never hold a head that its clients refuse. What was published
// is read through [Publisher.Head], [Publisher.Since] and [Publisher.Snapshot].
package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/server/store"
	"haechi/server/wire"
)

// MaxPush is the largest body of a push, in bytes.
const MaxPush = 8 << 20

// Push is what a maintainer sends: the signed release, the rule files it puts
// (with their examples) and the ids it removes.
type Push struct {
	Release string            `json:"release"`
	Files   []json.RawMessage `json:"files"`
	Remove  []string          `json:"remove"`
}

// Result says what a push changed.
type Result struct {
	Sequence uint64   `json:"sequence"`
	Pack     string   `json:"pack"`
	Added    []string `json:"added"`
	Changed  []string `json:"changed"`
	Removed  []string `json:"removed"`
}

// Publisher owns the head. Its methods may be called from any goroutine.
type Publisher struct {
	root     trust.Root
	store    *store.Store
	now      func() time.Time
	announce func(wire.Head)

	push    sync.Mutex              // held for the whole of a push, so that sequences have one order
	current atomic.Pointer[edition] // swapped by load, under push
}

// New returns a publisher of what st holds. Releases count under root. now is
// the clock that decides what has expired. announce is called with each new
// head, in order, after it is on disk; it must not wait for clients.
func New(st *store.Store, root trust.Root, now func() time.Time, announce func(wire.Head)) (*Publisher, error) {
	p := &Publisher{root: root, store: st, now: now, announce: announce}
	if err := p.load(); err != nil {
		return nil, err
	}
	return p, nil
}

// Publish makes a push the next release, or changes nothing and returns why. A
// *Refusal is the pusher's to mend; any other error is the server's own.
func (p *Publisher) Publish(push Push) (Result, error) {
	p.push.Lock()
	defer p.push.Unlock()
	have := p.current.Load().state

	// Signatures first: nobody else gets work done here.
	release, err := trust.Open([]byte(push.Release), p.root)
	if err != nil {
		return Result{}, refuse(trust.Code(err), err)
	}
	if err := follows(release, have); err != nil {
		return Result{}, err
	}
	files, err := parseFiles(push.Files)
	if err != nil {
		return Result{}, err
	}
	next, err := assemble(have.Pack, files, push.Remove)
	if err != nil {
		return Result{}, err
	}
	changes := rules.Diff(have.Pack, next)
	if err := p.acceptable(have, release, push.Release, changes); err != nil {
		return Result{}, err
	}

	result := describe(have.Pack, changes)
	result.Sequence, result.Pack = release.Sequence, release.Pack
	kept := make(map[string]string, len(files))
	for _, r := range files {
		kept[r.ID] = string(rules.Format(r))
	}
	err = p.store.Append(store.Release{
		Sequence: release.Sequence, Note: push.Release, Text: release.TextHash(),
		Pack: release.Pack, Size: release.Size,
		Added: result.Added, Changes: changes, Files: kept,
	})
	// Also after an error: what is on disk counts, not what was reported.
	if loadErr := p.load(); loadErr != nil {
		err = errors.Join(err, loadErr)
	}
	if head := p.Head(); head.Sequence > have.Sequence {
		p.announce(head)
	}
	if err != nil {
		return Result{}, err
	}
	return result, nil
}

// load makes what the store holds the current edition.
func (p *Publisher) load() error {
	head, err := p.store.Head()
	if err != nil {
		return err
	}
	if old := p.current.Load(); old != nil && old.state.Sequence == head.Sequence {
		return nil
	}
	pack, err := p.store.Pack()
	if err != nil {
		return err
	}
	release, err := p.store.Release(head.Sequence)
	if err != nil {
		return err
	}
	p.current.Store(newEdition(p.store, trust.State{Sequence: head.Sequence, Release: head.Release, Pack: pack}, release.Note))
	return nil
}

// acceptable asks trust.Accept, as a client at the head would.
func (p *Publisher) acceptable(have trust.State, release trust.Release, note string, changes []rules.Change) error {
	raw, err := json.Marshal(changes)
	if err != nil {
		return err
	}
	u := trust.Update{Type: "delta", From: have.Sequence, To: release.Sequence, Release: note, Changes: raw}
	if _, err := trust.Accept(p.root, p.now(), have, u); err != nil {
		return refuse(trust.Code(err), err)
	}
	return nil
}

func follows(r trust.Release, have trust.State) error {
	previous := have.Release
	if have.Sequence == 0 {
		previous = trust.NoPrevious
	}
	switch {
	case r.Sequence != have.Sequence+1:
		return refuse(CodeStale, fmt.Errorf("the head is %d, so the next release is %d, not %d; fetch the head and sign again", have.Sequence, have.Sequence+1, r.Sequence))
	case r.Previous != previous:
		return refuse(CodeStale, errors.New("signed on top of another release than the head; fetch the head and sign again"))
	}
	return nil
}

// parseFiles validates every file, so that a maintainer sees all that is wrong
// at once.
func parseFiles(files []json.RawMessage) ([]rules.Rule, error) {
	if len(files) > rules.MaxPackRules {
		return nil, refuse("too-large", fmt.Errorf("%d files; at most %d", len(files), rules.MaxPackRules))
	}
	var problems []string
	seen := map[string]bool{}
	out := make([]rules.Rule, 0, len(files))
	for i, data := range files {
		r, err := rules.Parse(fileName(i, data), data)
		switch {
		case err != nil:
			problems = append(problems, strings.Split(err.Error(), "\n")...)
		case seen[r.ID]:
			problems = append(problems, fmt.Sprintf("%s.json: rule %q: id: stands in two files of the push", r.ID, r.ID))
		}
		seen[r.ID] = true
		out = append(out, r)
	}
	if len(problems) > 0 {
		return nil, &Refusal{Code: "invalid", Message: "rules are not valid", Problems: problems}
	}
	return out, nil
}

// fileName is the name of a pushed file in errors: files travel without names,
// but are named by their rule's id.
func fileName(i int, data []byte) string {
	var r struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(data, &r); err != nil || r.ID == "" || len(r.ID) > 64 {
		return fmt.Sprintf("file %d", i+1)
	}
	return r.ID + ".json"
}

// assemble returns the pack after the files are put and the ids removed.
func assemble(pack rules.Pack, files []rules.Rule, remove []string) (rules.Pack, error) {
	var changes []rules.Change
	put := map[string]bool{}
	for _, r := range files {
		r.Examples = nil
		changes = append(changes, rules.Change{Put: &r})
		put[r.ID] = true
	}
	for _, id := range remove {
		if put[id] {
			return rules.Pack{}, refuse("invalid", fmt.Errorf("rule %q is both put and removed", id))
		}
		changes = append(changes, rules.Change{Remove: id})
	}
	next, err := rules.Apply(pack, changes)
	if err != nil {
		return rules.Pack{}, refuse("invalid", err)
	}
	return next, nil
}

// describe sorts changes to a pack into what is new, changed and gone. All
// three lists are empty rather than nil, for JSON.
func describe(pack rules.Pack, changes []rules.Change) Result {
	r := Result{Added: []string{}, Changed: []string{}, Removed: []string{}}
	for _, c := range changes {
		switch {
		case c.Put == nil:
			r.Removed = append(r.Removed, c.Remove)
		case pack.Rule(c.Put.ID) == nil:
			r.Added = append(r.Added, c.Put.ID)
		default:
			r.Changed = append(r.Changed, c.Put.ID)
		}
	}
	for _, ids := range [][]string{r.Added, r.Changed, r.Removed} {
		slices.Sort(ids)
	}
	return r
}
