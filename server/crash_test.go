// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
	"haechi/server/publish"
	"haechi/server/store"
	"haechi/server/wire"
)

// kills is how often the built server is killed; HAECHI_KILLS says another
// number.
const kills = 12

// publishers race for the next sequence, as maintainers do who do not know of
// one another.
const publishers = 2

// longestRun bounds the time from the start of publishing to the kill.
const longestRun = 400 * time.Millisecond

// TestServerSurvivesKills kills the built server with SIGKILL at random moments
// while two publishers race and a client follows. After each restart every
// release that was acknowledged is there as it was signed; log, head and store
// agree; and what the client saw before the kill is the beginning of the log.
// HAECHI_SEED draws the moments again.
func TestServerSurvivesKills(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the binary")
	}
	n := int(fromEnv(t, "HAECHI_KILLS", kills))
	seed := fromEnv(t, "HAECHI_SEED", uint64(time.Now().UnixNano()))
	t.Logf("HAECHI_SEED=%d HAECHI_KILLS=%d", seed, n)
	random := rand.New(rand.NewPCG(seed, 0))

	file, dir := binary(t), t.TempDir()
	c := newCrashes(t, dir)
	for kill := range n {
		p := serveBinary(t, file, dir)
		if err := c.inspect(p.url); err != nil {
			t.Fatalf("after kill %d: %v", kill, err)
		}
		if err := c.live(t, p, time.Duration(random.Int64N(int64(longestRun)))); err != nil {
			t.Fatalf("before kill %d: %v", kill+1, err)
		}
	}
	p := serveBinary(t, file, dir)
	if err := c.inspect(p.url); err != nil {
		t.Fatalf("after the last kill: %v", err)
	}
	if err := c.client.connect(t.Context(), p.url); err != nil {
		t.Fatal(err)
	}
	before := c.client.state.Sequence
	if err := c.client.follow(c.releases); err != nil || c.client.state.Sequence != c.releases {
		t.Errorf("the client is at %d of %d: %v", c.client.state.Sequence, c.releases, err)
	}
	c.client.conn.Close()
	if code := p.end(t, syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM: exit code %d", code)
	}
	if err := c.inspectStore(filepath.Join(dir, "data", "store")); err != nil {
		t.Error(err)
	}
	if len(c.acknowledged) == 0 {
		t.Error("nothing was published: the kills came too early to show anything")
	}
	t.Logf("%d releases, %d of them acknowledged; %d pushes lost the race; the client had followed to %d at the last of %d kills", c.releases, len(c.acknowledged), c.stale, before, n)
}

func fromEnv(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// crashes is what is known of a server beyond its death.
type crashes struct {
	root     trust.Root
	baseline rules.Pack
	signers  []note.Signer
	client   *citizen
	releases uint64 // that the last inspection saw

	mu           sync.Mutex
	acknowledged map[uint64]string // notes by sequence
	stale        int               // pushes that lost the race
}

// newCrashes makes the store and writes the keys that "haechi serve" reads
// below dir.
func newCrashes(t *testing.T, dir string) *crashes {
	t.Helper()
	c := &crashes{root: trusttest.Root(t, 2, "ann", "bob", "eve"), baseline: trusttest.Pack(t, "a", "b"), acknowledged: map[uint64]string{}}
	// A small baseline, so that the time goes to publishing.
	st, err := store.Open(filepath.Join(dir, "data", "store"), []rules.Rule{trusttest.Rule("a"), trusttest.Rule("b")}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ann", "bob"} {
		signer, _, _ := trusttest.Key(t, name)
		c.signers = append(c.signers, signer)
	}
	_, private, public := trusttest.Key(t, trusttest.Online)
	now := time.Now().UTC().Truncate(time.Second)
	lent, err := trust.SignOnlineKey(trust.OnlineKey{Version: 1, Key: public, Created: now, Expires: now.Add(trust.MaxOnline)}, c.signers...)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"trust.json":       fmt.Sprintf(`{"version":1,"threshold":2,"keys":[%q,%q,%q]}`, c.root.Keys[0], c.root.Keys[1], c.root.Keys[2]),
		"keys/online.key":  private + "\n",
		"keys/online.note": string(lent),
	} {
		name = filepath.Join(dir, "dist", name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.client = &citizen{root: c.root, now: time.Now, state: trust.State{Pack: c.baseline}}
	return c
}

// live publishes to a server and follows it until it is killed after a time.
func (c *crashes) live(t *testing.T, p *process, after time.Duration) error {
	t.Helper()
	var all sync.WaitGroup
	errs := make([]error, publishers+1)
	for i := range publishers {
		all.Go(func() { errs[i] = c.publish(p.url, fmt.Sprintf("crash-%d", i)) })
	}
	if err := c.client.connect(t.Context(), p.url); err != nil {
		return err
	}
	all.Go(func() { errs[publishers] = c.client.followUntilCut() })
	time.Sleep(after) // some moment of it
	p.end(t, syscall.SIGKILL)
	all.Wait()
	c.client.conn.Close()
	return errors.Join(errs...)
}

// followUntilCut reads until the connection ends. Only what the client itself
// refuses is an error.
func (c *citizen) followUntilCut() error {
	err := c.follow(trust.MaxSequence)
	if trust.Code(err) != "invalid" || errors.Is(err, trust.ErrInvalid) || errors.Is(err, wire.ErrMalformed) {
		return fmt.Errorf("the client: %w", err)
	}
	return nil
}

// publish pushes a new version of one rule again and again, until the server is
// gone. A push that was cut off may or may not have been published.
func (c *crashes) publish(url, id string) error {
	at, err := newRemote(url)
	if err != nil {
		return err
	}
	defer at.http.CloseIdleConnections()
	for {
		push, sequence, err := c.next(at, id)
		if gone(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		result, err := at.publish(push)
		var refusal *publish.Refusal
		switch {
		case errors.As(err, &refusal) && refusal.Code == publish.CodeStale:
			c.mu.Lock()
			c.stale++
			c.mu.Unlock()
		case gone(err):
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", id, err)
		case result.Sequence != sequence:
			return fmt.Errorf("%s: published as %d, signed as %d", id, result.Sequence, sequence)
		default:
			c.mu.Lock()
			before, taken := c.acknowledged[sequence]
			c.acknowledged[sequence] = push.Release
			c.mu.Unlock()
			if taken && before != push.Release {
				return fmt.Errorf("two releases %d were acknowledged", sequence)
			}
		}
	}
}

// gone reports whether a request ended because its server did.
func gone(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// next is a signed push on top of what the server has. It leads to the baseline
// and one version of one rule, whoever published what before.
func (c *crashes) next(at *remote, id string) (publish.Push, uint64, error) {
	head, err := at.head(trust.Preview)
	if err != nil {
		return publish.Push{}, 0, err
	}
	var previous *trust.Release
	var push publish.Push
	if head.Sequence > 0 {
		record, err := at.record(head.Sequence)
		if err != nil {
			return publish.Push{}, 0, err
		}
		r, err := trust.ParseRelease([]byte(record.Release))
		if err != nil {
			return publish.Push{}, 0, err
		}
		previous = &r
		for _, put := range append(record.Added, record.Changed...) {
			if put != id {
				push.Remove = append(push.Remove, put)
			}
		}
	}
	rule := trusttest.Rule(id)
	rule.Title["en"] = fmt.Sprintf("as of release %d", head.Sequence+1)
	push.Files = append(push.Files, rules.Format(rule))
	rule.Examples = nil
	pack, err := rules.Apply(c.baseline, []rules.Change{{Put: &rule}})
	if err != nil {
		return publish.Push{}, 0, err
	}
	r := trusttest.Release(head.Sequence+1, previous, pack)
	r.Created = time.Now().UTC().Truncate(time.Second)
	r.Expires = r.Created.AddDate(1, 0, 0)
	msg, err := trust.Sign(r, c.signers...)
	push.Release = string(msg)
	return push, r.Sequence, err
}

// inspect audits a server that has started again.
func (c *crashes) inspect(url string) error {
	at, err := newRemote(url)
	if err != nil {
		return err
	}
	defer at.http.CloseIdleConnections()
	h, err := audit(at, c.root, time.Now(), c.client.state.Seen)
	if err != nil {
		return err
	}
	for sequence, signed := range c.acknowledged {
		if sequence > uint64(len(h.records)) {
			return fmt.Errorf("release %d was acknowledged and is lost: the log has %d", sequence, len(h.records))
		}
		if h.records[sequence-1].Release != signed {
			return fmt.Errorf("release %d is another than the one that was acknowledged", sequence)
		}
	}
	have, err := verified(at, c.root, c.baseline.Hash())
	if err != nil {
		return err
	}
	head, err := at.head(trust.Stable)
	if err != nil {
		return err
	}
	c.releases = uint64(len(h.records))
	if head.Sequence != c.releases || head.Log != c.releases || have.state.Sequence != c.releases || head.Pack != have.state.Pack.Hash() {
		return fmt.Errorf("%d releases, but head %+v and rules of %d", c.releases, head, have.state.Sequence)
	}
	return nil
}

// inspectStore holds the store itself against what was seen of it.
func (c *crashes) inspectStore(dir string) error {
	st, err := store.Open(dir, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	head, err := st.Head()
	if err == nil && head.Sequence != c.releases {
		err = fmt.Errorf("the store's head is %d, of the log %d", head.Sequence, c.releases)
	}
	for sequence, signed := range c.acknowledged {
		r, releaseErr := st.Release(sequence)
		if releaseErr == nil && r.Note != signed {
			releaseErr = fmt.Errorf("the store has another release %d than the one that was acknowledged", sequence)
		}
		err = errors.Join(err, releaseErr)
	}
	return errors.Join(err, st.Close())
}
