// SPDX-License-Identifier: Apache-2.0

// Package publish decides what becomes a release and serves what clients ask
// for: call [New], then [Publisher.Publish] with a maintainer's push.
//
// A push is checked under the same root as clients have, so the server can never
// hold a head that its clients refuse. What was published is read through
// [Publisher.Head], [Publisher.Since] and [Publisher.Full]; the rest serves HTTP.
// The publisher also signs the checkpoints of the log with its online key. What
// is served comes through a [Log], of this server alone or shared by several.
package publish

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/server/store"
	"haechi/server/wire"
)

// MaxPush is the largest body of a push, in bytes.
const MaxPush = 8 << 20

// Result says what a push changed: rules by id, sites as site/ID.
type Result struct {
	Sequence uint64   `json:"sequence"`
	Pack     string   `json:"pack"`
	Added    []string `json:"added"`
	Changed  []string `json:"changed"`
	Removed  []string `json:"removed"`
	// Changes are the sentences of the gate's corpus that are judged otherwise.
	Changes []Sentence `json:"changes,omitempty"`
}

// Online signs checkpoints: a server's note.Signer.
type Online = note.Signer

// Publisher owns the head. Its methods may be called from any goroutine.
type Publisher struct {
	store    *store.Store
	log      Log
	online   Online
	now      func() time.Time
	announce func()
	gate     Gate // nil: none

	push    sync.Mutex            // held for the whole of a push, so that this server builds one release at a time
	serving sync.Mutex            // held while an entry of the log is stored and served
	current atomic.Pointer[shelf] // swapped under serving
	held    atomic.Uint64         // one more than the newest release that the log delivered; written under serving
}

// Config is what a Publisher works with.
type Config struct {
	Root   trust.Root // the packaged one; the log may have rotated it
	Online Online
	// OnlineKey is the note that lends Online to this server; empty: the one
	// that the store has. The higher version of the two counts.
	OnlineKey string
	Log       Log              // shared with other servers; nil: the store is the log
	Gate      Gate             // judges what a push changes; nil: nothing does
	Now       func() time.Time // decides what has expired
	// Announce is called after each release is on disk and served, perhaps
	// before New has returned; it must not wait for clients.
	Announce func()
}

// New returns a publisher of what st and the log hold. A server that is cut off
// from its log begins with what it was serving when it stopped.
func New(st *store.Store, c Config) (*Publisher, error) {
	p := &Publisher{store: st, log: c.Log, online: c.Online, gate: c.Gate, now: c.Now, announce: c.Announce}
	empty := &shelf{root: c.Root, rotations: map[uint64]string{}}
	s, err := empty.grown(st)
	if err != nil {
		return nil, err
	}
	if s, err = s.standing(st, c.Log != nil); err != nil {
		return nil, err
	}
	if p.log == nil {
		p.log = &own{head: s.log.Size()}
	}
	p.current.Store(s)
	lacks, followErr := p.log.Follow(s.place, p.deliver)
	if errors.Is(followErr, ErrCutOff) && s.checkpoint != "" {
		return p, nil
	}
	if followErr != nil {
		return nil, followErr
	}
	if err := p.contribute(lacks); err != nil {
		return nil, err
	}
	if err := p.state(c.OnlineKey); err != nil && !(errors.Is(err, ErrCutOff) && p.current.Load().checkpoint != "") {
		return nil, err
	}
	return p, nil
}

// contribute appends the releases that the store has and the log, from one
// sequence on, lacks: all of them to the log of a new cluster, the newest to one
// that was restored from an old state.
func (p *Publisher) contribute(from uint64) error {
	for {
		s := p.current.Load()
		from = max(from, p.held.Load())
		if from > s.log.Size() {
			return nil
		}
		e, err := p.stored(s, from)
		if err != nil {
			return err
		}
		if err := p.log.Append(s.place, e); err != nil && !errors.Is(err, ErrMoved) {
			return err
		}
	}
}

// stored is the entry of a release in the store, stated as it is now.
func (p *Publisher) stored(s *shelf, sequence uint64) (Entry, error) {
	r, err := p.store.Release(sequence)
	if err != nil || sequence == 0 {
		return Entry{Release: &r}, err
	}
	key, err := p.onlineKey("", s)
	if err != nil {
		return Entry{}, err
	}
	checkpoint, err := p.sign(s, &s.log, sequence, s.root, key)
	return Entry{Release: &r, Size: sequence, Key: key, Checkpoint: checkpoint}, err
}

// state has the log as it is stated anew if that was never done, or was done
// long ago or under an older key than the newest that was lent.
func (p *Publisher) state(given string) error {
	s := p.current.Load()
	key, err := p.onlineKey(given, s)
	if err != nil {
		return err
	}
	if s.checkpoint != "" && s.key == key && p.now().Sub(s.signed) < RefreshEvery {
		return nil
	}
	return p.refresh(key)
}

// onlineKey is the newest of the notes that was given, is in the store and
// signed the newest statement. It puts the one that was given into the store.
func (p *Publisher) onlineKey(given string, s *shelf) (string, error) {
	stored, err := p.store.OnlineKey()
	if err != nil {
		return "", err
	}
	if given == "" && stored == "" && s.key == "" {
		return "", errors.New("this server was lent no online key; make it with \"haechi keys new\" and have it lent with \"haechi keys lend\"")
	}
	best, version := "", uint64(0)
	var reason error
	for _, msg := range []string{stored, s.key, given} { // on a tie, the one that is in use
		if msg == "" {
			continue
		}
		key, err := trust.OpenOnlineKey([]byte(msg), s.root)
		if err != nil {
			reason = err
		} else if key.Version > version {
			best, version = msg, key.Version
		}
	}
	if best == "" {
		return "", reason
	}
	if best == given && best != stored {
		return best, p.store.SetOnlineKey(best)
	}
	return best, nil
}

// Refresh has a new statement about the log signed when the newest is older
// than [RefreshEvery], so that clients know how fresh the rules are. Call it
// several times in that time. Of the servers that share a log one signs.
func (p *Publisher) Refresh() error {
	p.push.Lock()
	defer p.push.Unlock()
	s := p.current.Load()
	if p.now().Sub(s.signed) < RefreshEvery {
		return nil
	}
	return p.refresh(s.key)
}

// refresh appends a statement of now under an online key, unless another server
// does it first.
func (p *Publisher) refresh(key string) error {
	before := p.current.Load()
	for {
		s := p.current.Load()
		if s != before && s.key == key && p.now().Sub(s.signed) < RefreshEvery {
			return nil
		}
		checkpoint, err := p.sign(s, &s.log, s.log.Size(), s.root, key)
		if err != nil {
			return err
		}
		if err := p.log.Append(s.place, Entry{Size: s.log.Size(), Key: key, Checkpoint: checkpoint}); !errors.Is(err, ErrMoved) {
			return err
		}
	}
}

// RefreshEvery is how old the checkpoint of a server that is up may become.
const RefreshEvery = time.Hour

// OnlineExpires is when the online key runs out: from then on clients refuse
// whatever this server says.
func (p *Publisher) OnlineExpires() time.Time { return p.current.Load().online.Expires }

// Head returns what is newest on a channel.
func (p *Publisher) Head(channel string) wire.Head { return p.current.Load().heads(channel) }

// Since returns the encoded frames for a client: the log, and what leads from
// its pack to the release that it wants, if that is another than it has. They
// are shared: the caller must not change them.
func (p *Publisher) Since(f wire.Since) ([][]byte, error) {
	s := p.current.Load()
	log, err := s.evidence(f.Log)
	e := s.target(f.To)
	switch {
	case err != nil || f.To == f.Sequence:
		return [][]byte{log}, err
	case e.sequence <= f.Sequence:
		return [][]byte{log, nothing}, nil
	}
	frame, err := e.since(f.Sequence, f.Pack)
	return [][]byte{log, frame}, err
}

// nothing ends an answer that has nothing newer to bring.
var nothing = wire.Encode(wire.Heartbeat{})

// Full returns the encoded log and snapshot, shared like those of Since.
func (p *Publisher) Full(f wire.Full) ([][]byte, error) {
	s := p.current.Load()
	log, err := s.evidence(f.Log)
	return [][]byte{log, s.target(f.To).snapshot()}, err
}

// Delta returns the frame that leads from one sequence to another, or nil where
// there is none.
func (p *Publisher) Delta(from, to uint64) ([]byte, error) {
	e := p.current.Load().edition(to)
	if e == nil {
		return nil, nil
	}
	frame, err := e.delta(from)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return frame, err
}

// Log returns the log frame for a client that saw from releases.
func (p *Publisher) Log(from uint64) ([]byte, error) { return p.current.Load().evidence(from) }

// Snapshot returns the frame with the whole pack at a sequence. Of those that
// nobody is led to any more it is made anew each time.
func (p *Publisher) Snapshot(sequence uint64) ([]byte, error) {
	s := p.current.Load()
	if e := s.edition(sequence); e != nil {
		return e.snapshot(), nil
	}
	e, err := s.reissue(p.store, &s.log, sequence)
	if err != nil {
		return nil, err
	}
	return e.snapshot(), nil
}

// Record is one release as an auditor reads it.
type Record struct {
	Result
	Release string `json:"release"` // the signed note
}

// Record returns a release that was published.
func (p *Publisher) Record(sequence uint64) (Record, error) {
	r, err := p.store.Release(sequence)
	if err != nil {
		return Record{}, err
	}
	return Record{Result: sorted(r.Sequence, r.Pack, r.Added, r.Changes), Release: r.Note}, nil
}

// Publish makes a push the next release, or changes nothing and returns why. A
// *Refusal is the pusher's to mend; any other error is the server's own.
func (p *Publisher) Publish(push Push) (Result, error) {
	p.push.Lock()
	defer p.push.Unlock()
	s := p.current.Load()
	have := s.preview

	// Signatures first: nobody else gets work done here.
	release, err := trust.Open([]byte(push.Release), s.root)
	if err != nil {
		return Result{}, refuse(trust.Code(err), err)
	}
	if err := s.follows(release, p.now()); err != nil {
		return Result{}, err
	}
	if err := s.keepsKey(release, push.Online); err != nil {
		return Result{}, err
	}
	files, sites, err := push.Parse()
	if err != nil {
		return Result{}, err
	}
	next, files, sites, err := p.assemble(have, push, files, sites)
	if err != nil {
		return Result{}, err
	}
	if hash, size := next.Sum(); hash != release.Pack || size != release.Size {
		return Result{}, refuse("mismatch", errors.New("the files lead to another pack than the one that was signed; fetch the head and sign again"))
	}

	changes := rules.Diff(have.pack, next)
	sentences, err := p.judge(have.pack, next, changes, files)
	if err != nil {
		return Result{}, err
	}

	result := Describe(have.pack, release.Sequence, release.Pack, changes)
	result.Changes = sentences
	kept := make(map[string]string, len(files))
	for _, r := range files {
		kept[r.ID] = string(rules.Format(r))
	}
	for _, s := range sites {
		kept[rules.SiteKey(s.ID)] = string(rules.FormatSite(s))
	}
	r := store.Release{
		Sequence: release.Sequence, Note: push.Release, Text: release.TextHash(),
		Pack: release.Pack, Size: release.Size,
		Added: result.Added, Changes: changes, Files: kept, Online: push.Online,
	}
	if err := p.append(s, r, release); err != nil {
		return Result{}, err
	}
	return result, nil
}

// append makes a release that was built on a shelf the next of the log.
func (p *Publisher) append(s *shelf, r store.Release, release trust.Release) error {
	root, log := s.root, s.log.Clone()
	if release.Root != nil {
		root = *release.Root
	}
	if err := log.Append(release); err != nil {
		return err
	}
	for {
		key := s.key
		if r.Online != "" {
			key = r.Online
		}
		checkpoint, err := p.sign(s, &log, log.Size(), root, key)
		if err != nil {
			return err
		}
		err = p.log.Append(s.place, Entry{Release: &r, Size: r.Sequence, Key: key, Checkpoint: checkpoint})
		if !errors.Is(err, ErrMoved) {
			return err
		}
		if s = p.current.Load(); s.log.Size() == log.Size()-1 {
			continue // a newer statement came in between
		}
		if s.log.Size() >= log.Size() {
			if there, err := p.store.Release(r.Sequence); err == nil && there.Text == r.Text {
				return nil // an answer was lost
			}
		}
		return refuse(CodeStale, fmt.Errorf("another release %d was first; fetch the head and sign again", r.Sequence))
	}
}

// follows refuses a release that no client at the head could take.
func (s *shelf) follows(r trust.Release, now time.Time) error {
	previous, next := trust.NoPrevious, s.log.Size()+1
	if s.log.Size() > 0 {
		previous = s.head.TextHash()
	}
	switch {
	case r.Sequence != next:
		return refuse(CodeStale, fmt.Errorf("the head is %d, so the next release is %d, not %d; fetch the head and sign again", next-1, next, r.Sequence))
	case r.Previous != previous:
		return refuse(CodeStale, errors.New("signed on top of another release than the head; fetch the head and sign again"))
	case !now.Before(r.Expires):
		return refuse("expired", fmt.Errorf("the release expired on %s; sign it again", r.Expires.Format(time.DateOnly)))
	}
	return nil
}

// keepsKey refuses a release after which this server could sign no checkpoint
// that clients believe.
func (s *shelf) keepsKey(r trust.Release, online string) error {
	root := s.root
	if r.Root != nil {
		root = *r.Root
	}
	if online == "" {
		if _, err := trust.OpenOnlineKey([]byte(s.key), root); err != nil {
			return refuse("invalid", errors.New("under the new root the server's online key does not count; lend it anew with \"haechi keys lend\" and send the note along"))
		}
		return nil
	}
	key, err := trust.OpenOnlineKey([]byte(online), root)
	switch {
	case err != nil:
		return refuse(trust.Code(err), err)
	case key.Version <= s.online.Version:
		return refuse("invalid", fmt.Errorf("online key %d: this server has %d already", key.Version, s.online.Version))
	case key.Key != s.online.Key:
		return refuse("invalid", errors.New("the note lends another key than this server holds; give it to the server with --online-note at its next start"))
	}
	return nil
}

// assemble returns the pack that a push leads to, and the files of every rule
// and site that it puts.
func (p *Publisher) assemble(have *edition, push Push, files []rules.Rule, sites []rules.Site) (rules.Pack, []rules.Rule, []rules.Site, error) {
	fail := func(err error) (rules.Pack, []rules.Rule, []rules.Site, error) { return rules.Pack{}, nil, nil, err }
	pack := have.pack
	if push.Restore != nil {
		restored, err := p.store.PackAt(*push.Restore)
		if errors.Is(err, store.ErrNotFound) {
			return fail(refuse("invalid", fmt.Errorf("there is no release %d to go back to", *push.Restore)))
		}
		if err != nil {
			return fail(err)
		}
		for _, c := range rules.Diff(pack, restored) {
			switch {
			case c.Put != nil:
				r, err := p.file(c.Put.ID, *push.Restore)
				if err != nil {
					return fail(err)
				}
				files = append([]rules.Rule{r}, files...)
			case c.PutSite != nil:
				sites = append([]rules.Site{*c.PutSite}, sites...)
			}
		}
		pack = restored
	}
	next, err := push.Onto(pack, files, sites)
	if err != nil {
		return fail(refuse("invalid", err))
	}
	for _, id := range push.Disable {
		r, err := p.file(id, have.sequence)
		if err != nil {
			return fail(err)
		}
		r.Disabled = true
		files = append(files, r)
	}
	return next, files, sites, nil
}

// file is a rule as it stood at a sequence, with its examples.
func (p *Publisher) file(id string, sequence uint64) (rules.Rule, error) {
	text, err := p.store.File(id, sequence)
	if err != nil {
		return rules.Rule{}, err
	}
	return rules.Parse(id+".json", []byte(text))
}

// Describe sorts changes to a pack into what is new, changed and gone.
func Describe(pack rules.Pack, sequence uint64, hash string, changes []rules.Change) Result {
	var added []string
	for _, c := range changes {
		if !c.Removes() && !pack.Has(c.Key()) {
			added = append(added, c.Key())
		}
	}
	return sorted(sequence, hash, added, changes)
}

// sorted is a Result whose lists are empty rather than nil, for JSON.
func sorted(sequence uint64, hash string, added []string, changes []rules.Change) Result {
	r := Result{Sequence: sequence, Pack: hash, Added: []string{}, Changed: []string{}, Removed: []string{}}
	for _, c := range changes {
		switch {
		case c.Removes():
			r.Removed = append(r.Removed, c.Key())
		case !slices.Contains(added, c.Key()):
			r.Changed = append(r.Changed, c.Key())
		default:
			r.Added = append(r.Added, c.Key())
		}
	}
	for _, ids := range [][]string{r.Added, r.Changed, r.Removed} {
		slices.Sort(ids)
	}
	return r
}
