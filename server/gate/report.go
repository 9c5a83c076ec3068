// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"strings"

	"haechi/rules"
	"haechi/wasm/model/train/corpus"
)

// Pair is a figure before and after.
type Pair[T any] struct {
	Before T `json:"before"`
	After  T `json:"after"`
}

// Report is what a change does.
type Report struct {
	Before   string       `json:"before"` // hash of the pack
	After    string       `json:"after"`
	Rules    []string     `json:"rules"`           // put, removed or tested
	Unfit    string       `json:"unfit,omitempty"` // why the new rules could not be run; then all that follows is empty
	Entries  int          `json:"entries"`         // of the corpus
	Retired  int          `json:"retired"`         // entries that only a rule which is taken away was expected to flag
	Counts   Pair[Counts] `json:"counts"`
	People   int          `json:"people"` // entries that people judged at the review desk
	Agree    Pair[int]    `json:"agree"`  // of these, judged as people did
	Changes  []Change     `json:"changes"`
	Tested   []Tested     `json:"tested"`
	Examples []Example    `json:"examples"` // judged otherwise than the rule's author wants
	Size     Pair[int]    `json:"size"`     // of the pack, in bytes
	Words    Pair[int]    `json:"words"`    // that the engine keeps: a measure of its work without noise
	Speed    *Speed       `json:"speed,omitempty"`
}

// Change is an entry of the corpus that other rules flag than before.
type Change struct {
	ID     string   `json:"id"`
	Topic  string   `json:"topic"`
	Text   string   `json:"text"`
	Expect string   `json:"expect"`
	Hard   bool     `json:"hard,omitempty"`
	People bool     `json:"people,omitempty"`
	Before []string `json:"before"` // rules that flag it
	After  []string `json:"after"`
}

// newlyWrong reports whether the entry was judged as expected, and is no more.
func (c Change) newlyWrong() bool {
	want := c.Expect == corpus.Flag
	return len(c.Before) > 0 == want && len(c.After) > 0 != want
}

// Tested counts the examples of one rule.
type Tested struct {
	Rule          string `json:"rule"`
	Known         bool   `json:"known"` // the classifier was trained with it
	Hits          int    `json:"hits"`
	HitsFlagged   int    `json:"hits_flagged"`
	Misses        int    `json:"misses"`
	MissesFlagged int    `json:"misses_flagged"`
}

// add counts an example and reports whether it is judged as wanted.
func (t *Tested) add(expect string, flagged bool) bool {
	n, f := &t.Misses, &t.MissesFlagged
	if expect == corpus.Flag {
		n, f = &t.Hits, &t.HitsFlagged
	}
	*n++
	if flagged {
		*f++
	}
	return flagged == (expect == corpus.Flag)
}

// Example is one of a rule's own that is judged otherwise than wanted.
type Example struct {
	ID     string `json:"id"`
	Rule   string `json:"rule"`
	Text   string `json:"text"`
	Expect string `json:"expect"`
	Broken bool   `json:"broken"` // the rule that it replaces judged it as wanted
}

// Counts hold what is flagged against what should be.
type Counts struct {
	TP int `json:"tp"` // should be flagged and is
	FP int `json:"fp"` // should pass and is flagged
	FN int `json:"fn"` // should be flagged and passes
	TN int `json:"tn"`
}

func (c *Counts) add(expect string, flagged bool) {
	switch {
	case expect == corpus.Flag && flagged:
		c.TP++
	case expect == corpus.Flag:
		c.FN++
	case flagged:
		c.FP++
	default:
		c.TN++
	}
}

// Precision is the share of what is flagged that should be; 1 where nothing is.
func (c Counts) Precision() float64 { return share(c.TP, c.TP+c.FP) }

// Recall is the share of what should be flagged that is; 1 where nothing should.
func (c Counts) Recall() float64 { return share(c.TP, c.TP+c.FN) }

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

// Limits are what a change may cost.
type Limits struct {
	Loss         float64 // of precision and of recall on the corpus, as a share
	Slowdown     float64 // the engine's time with the new rules by that before
	UnseenHits   float64 // least share of a rule's hits that is flagged, where the classifier was not trained with it
	UnseenMisses float64 // greatest share of its misses
	Pack         int     // bytes
}

// DefaultLimits are those of the server. Half a point is some fifteen of the
// three thousand sentences to be flagged: less than one rule in the four
// languages, more than a fair change of words shifts. The shares for rules
// that the classifier never saw are those that package cases holds the built-in
// ones to: it is stricter with them, so that some hits are always missed.
var DefaultLimits = Limits{Loss: 0.005, Slowdown: 1.2, UnseenHits: 0.5, UnseenMisses: 0.05, Pack: rules.MaxPack}

// Refusals returns why a change must not be published, one reason a line;
// nothing when it may.
func (r Report) Refusals(l Limits) []string {
	if r.Unfit != "" {
		return []string{r.Unfit}
	}
	var out []string
	refuse := func(format string, v ...any) { out = append(out, fmt.Sprintf(format, v...)) }
	if r.Size.After > l.Pack {
		refuse("the pack would have %d bytes; at most %d", r.Size.After, l.Pack)
	}
	known := map[string]bool{}
	for _, t := range r.Tested {
		known[t.Rule] = t.Known
		if t.Known {
			continue
		}
		if s := share(t.HitsFlagged, t.Hits); s < l.UnseenHits {
			refuse("%s: only %d of %d hits are flagged; at least %.0f %% must be: give more words, or a lower threshold", t.Rule, t.HitsFlagged, t.Hits, 100*l.UnseenHits)
		}
		if t.Misses > 0 && share(t.MissesFlagged, t.Misses) > l.UnseenMisses {
			refuse("%s: %d of %d misses are flagged; at most %.0f %% may be: take ambiguous words out, or raise the threshold", t.Rule, t.MissesFlagged, t.Misses, 100*l.UnseenMisses)
		}
	}
	for _, x := range r.Examples {
		what := map[string]string{corpus.Flag: "must be flagged and is not", corpus.Pass: "must not be flagged and is"}[x.Expect]
		switch {
		case x.Broken:
			refuse("%s: %s, unlike before: %s", x.ID, what, short(x.Text))
		case known[x.Rule]:
			refuse("%s: %s: %s", x.ID, what, short(x.Text))
		}
	}
	for _, c := range r.Changes {
		if c.Hard && c.newlyWrong() {
			refuse("%s: must never be flagged and now is, by %s: %s", c.ID, strings.Join(c.After, ", "), short(c.Text))
		}
	}
	for _, c := range r.Changes {
		if c.People && c.newlyWrong() {
			refuse("%s: people judged that it %s; %s → %s: %s", c.ID,
				map[string]string{corpus.Flag: "must be flagged", corpus.Pass: "must not be flagged"}[c.Expect], judged(c.Before), judged(c.After), whole(c.Text))
		}
	}
	lost := func(what, expect string, was, is float64) {
		if was-is <= l.Loss {
			return
		}
		refuse("%s on the corpus falls from %.4f to %.4f; at most %.4f may be lost. What changed for the worse:", what, was, is, l.Loss)
		for _, c := range r.Changes {
			if c.Expect == expect && c.newlyWrong() && !c.Hard && !c.People {
				refuse("  %s: %s → %s: %s", c.ID, judged(c.Before), judged(c.After), short(c.Text))
			}
		}
	}
	lost("precision", corpus.Pass, r.Counts.Before.Precision(), r.Counts.After.Precision())
	lost("recall", corpus.Flag, r.Counts.Before.Recall(), r.Counts.After.Recall())
	if r.Speed != nil && r.Speed.slower() > l.Slowdown {
		refuse("the engine takes %.2f times as long as before, and %.2f times when measured again; at most %.2f: cut word lists and words that ordinary text is full of", r.Speed.Ratio, r.Speed.Confirmed, l.Slowdown)
	}
	return out
}
