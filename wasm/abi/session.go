// SPDX-License-Identifier: Apache-2.0

package abi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/wasm/detect"
)

// Session is one engine with what it was given so far. It serves one call at a
// time. The zero value has no rules and flags nothing.
type Session struct {
	// Load opens a classifier; it is a field so that this package does not
	// depend on the tensor library.
	Load func(folder string) (detect.Classifier, error)

	engine     *detect.Engine
	classifier detect.Classifier
	state      trust.State
	memory     detect.Memory // of the answers that are being written
	raw        []byte        // the canonical pack where state.Pack is not read yet: only cards and updates need it
}

// Call serves one request. It never panics on any bytes. It may keep the
// request, which must not be changed afterwards.
func (s *Session) Call(request []byte) []byte {
	ok, err := s.serve(request)
	a := Answer{OK: ok}
	if err != nil {
		a = Answer{Error: asError(err)}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(a); err != nil {
		return []byte(`{"error":{"code":"invalid","message":"the answer cannot be written as JSON"}}`)
	}
	if i, ok := ok.(indexed); ok {
		return append(b.Bytes(), i.bytes...)
	}
	return b.Bytes()
}

func (s *Session) serve(request []byte) (any, error) {
	var q Request
	d := json.NewDecoder(bytes.NewReader(request))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return nil, &Error{CodeUsage, "request: " + err.Error()}
	}
	attached := bytes.TrimPrefix(request[d.InputOffset():], []byte("\n"))
	if q.Index < 0 || q.Index > len(attached) || q.Op != "rules" && len(attached) > 0 {
		return nil, &Error{CodeUsage, fmt.Sprintf("%d bytes follow the request; index says %d, and only rules has any", len(attached), q.Index)}
	}
	if s.engine == nil {
		s.engine = detect.New(rules.Pack{}, nil)
	}
	switch q.Op {
	case "load":
		return s.load(q)
	case "rules":
		return s.rules(q, attached)
	case "index":
		b := s.engine.Prepared()
		return indexed{Indexed{len(b)}, b}, nil
	case "update":
		return s.update(q)
	case "check":
		return s.check(q)
	case "classify":
		return s.classify(q)
	case "card":
		return s.card(q)
	case "info":
		return Info{ABI: Version, Rules: s.engine.Rules(), Hash: s.engine.Hash(), Sequence: s.state.Sequence, Model: s.model(), Degraded: s.classifier == nil}, nil
	}
	return nil, &Error{CodeUsage, fmt.Sprintf("op %q is not load, rules, index, update, check, classify, card or info", q.Op)}
}

func (s *Session) model() string {
	if s.classifier == nil {
		return ""
	}
	return s.classifier.Model().ID
}

func (s *Session) load(q Request) (any, error) {
	if s.Load == nil {
		return nil, &Error{CodeModel, "this build has no classifier"}
	}
	c, err := s.Load(q.Dir)
	if err != nil {
		return nil, &Error{CodeModel, err.Error()}
	}
	s.classifier = c
	s.engine = s.engine.With(c)
	return Loaded{Model: c.Model().ID, Labels: detect.Labels[:]}, nil
}

// indexed is an answer with the bytes that follow it.
type indexed struct {
	Indexed
	bytes []byte
}

func (s *Session) rules(q Request, attached []byte) (any, error) {
	var state trust.State
	if q.Memory != "" {
		if err := json.Unmarshal([]byte(q.Memory), &state); err != nil {
			return nil, &Error{CodeInvalid, "memory: " + err.Error()}
		}
	}
	if q.Index > 0 {
		if e, err := detect.Load(attached[:q.Index], s.classifier); err == nil {
			s.state, s.engine, s.raw = state, e, attached[q.Index:]
			return Ruled{Rules: e.Rules(), Hash: e.Hash(), Prepared: true}, nil
		}
		q.Pack, attached = attached[q.Index:], nil
	}
	if len(attached) > 0 {
		return nil, &Error{CodeUsage, "bytes follow the request, but it has no index"}
	}
	p, err := rules.ParsePack(q.Pack)
	if err != nil {
		return nil, err
	}
	state.Pack = p
	s.use(state)
	return Ruled{Rules: len(p.Rules), Hash: s.engine.Hash()}, nil
}

func (s *Session) use(state trust.State) {
	s.state, s.raw = state, nil
	s.engine = detect.New(state.Pack, s.classifier)
}

// read makes sure that the pack is there as rules, not as text only.
func (s *Session) read() error {
	if s.raw == nil {
		return nil
	}
	p, err := rules.ParsePack(s.raw)
	if err != nil {
		return err
	}
	s.state.Pack, s.raw = p, nil
	return nil
}

// rule returns one rule of the pack, without reading the others.
func (s *Session) rule(id string) (*rules.Rule, error) {
	if s.raw == nil {
		return s.state.Pack.Rule(id), nil
	}
	return rules.FindRule(s.raw, id)
}

func (s *Session) update(q Request) (any, error) {
	if q.Trust == nil {
		return nil, &Error{CodeUsage, "update needs trust, the root of known keys"}
	}
	evidence, err := trust.ParseEvidence(q.Log)
	if err != nil {
		return nil, err
	}
	var u *trust.Update
	if q.Frame != nil {
		parsed, err := trust.ParseUpdate(q.Frame)
		if err != nil {
			return nil, err
		}
		u = &parsed
		if err := s.read(); err != nil {
			return nil, err
		}
	}
	next, err := trust.Accept(*q.Trust, time.Unix(q.Now, 0), s.state, q.Client, evidence, u)
	if err != nil {
		return nil, err
	}
	memory, err := json.Marshal(next)
	if err != nil {
		return nil, err
	}
	out := Updated{Memory: string(memory), Sites: append([]rules.Site{}, next.Pack.Sites...)}
	if u == nil {
		s.state = next
	} else {
		s.use(next)
		out.Pack = string(next.Pack.Encode())
	}
	out.Sequence, out.Release = next.Sequence, next.Release
	out.Created, out.Expires = stamp(next.Created), stamp(next.Expires)
	out.Checked, out.Log = stamp(next.Seen.Created), next.Seen.Size
	out.Hash, out.Rules = s.engine.Hash(), s.engine.Rules()
	return out, nil
}

// stamp is a time in RFC 3339, empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func (s *Session) check(q Request) (any, error) {
	fs, err := s.engine.Check(detect.Request{Text: q.Text, Question: q.Question, Tiers: q.Tiers, Memory: &s.memory})
	if err != nil {
		return nil, err
	}
	out := Checked{Findings: Findings(q.Text, fs), Model: s.model(), Rules: s.engine.Hash(), Sequence: s.state.Sequence, Degraded: s.classifier == nil}
	switch q.Units {
	case "utf16":
		toUTF16(q.Text, out.Findings)
	case "", "utf8":
	default:
		return nil, &Error{CodeUsage, fmt.Sprintf("units %q is not utf8 or utf16", q.Units)}
	}
	return out, nil
}

// Findings writes an engine's findings in text as they cross the border.
func Findings(text string, fs []detect.Finding) []Finding {
	out := make([]Finding, len(fs))
	for i, f := range fs {
		out[i] = Finding{
			Quote: text[f.Start:f.End], Start: f.Start, End: f.End,
			Rule: f.Rule, Proposition: f.Proposition, Verdict: f.Verdict, Tier: f.Tier, Score: f.Score,
		}
		if f.Stance != (detect.Stance{}) {
			out[i].Stance = map[string]float64{}
			for k, p := range f.Stance {
				out[i].Stance[detect.Labels[k]] = p
			}
		}
	}
	return out
}

// toUTF16 turns byte offsets, which come in order, into UTF-16 units.
func toUTF16(text string, fs []Finding) {
	at, units := 0, 0
	count := func(to int) int {
		for at < to {
			r, n := utf8.DecodeRuneInString(text[at:])
			at += n
			units += max(1, utf16.RuneLen(r))
		}
		return units
	}
	for i := 0; i < len(fs); {
		j := i // several rules may flag one sentence
		start, end := fs[i].Start, fs[i].End
		s := count(start)
		e := count(end)
		for ; j < len(fs) && fs[j].Start == start && fs[j].End == end; j++ {
			fs[j].Start, fs[j].End = s, e
		}
		i = j
	}
}

func (s *Session) classify(q Request) (any, error) {
	if s.classifier == nil {
		return nil, &Error{CodeModel, "no classifier is loaded"}
	}
	logits, err := s.classifier.Classify(q.Inputs)
	if err != nil {
		return nil, &Error{CodeModel, err.Error()}
	}
	return Classified{logits}, nil
}

func (s *Session) card(q Request) (any, error) {
	r, err := s.rule(q.Rule)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, &Error{CodeInvalid, fmt.Sprintf("no rule %q in the pack", q.Rule)}
	}
	p := r.Proposition(q.Proposition)
	if p == nil {
		return nil, &Error{CodeInvalid, fmt.Sprintf("rule %q has no proposition %q", q.Rule, q.Proposition)}
	}
	c := Card{
		Rule: r.ID, Proposition: p.ID, Tier: r.TierOf(p), Verdict: detect.Verdict(r.TierOf(p)),
		Title: r.Title.In(q.Lang), Claim: p.Text.In(q.Lang), Correction: r.Correction.In(q.Lang),
		Positions: []CardPosition{}, Sources: r.Sources,
		Rules: s.engine.Hash(), Sequence: s.state.Sequence, Model: s.model(),
	}
	for _, x := range r.Positions {
		c.Positions = append(c.Positions, CardPosition{x.Holder.In(q.Lang), x.Text.In(q.Lang)})
	}
	return c, nil
}

// asError gives an error its code: the engine's own, or that of [trust.Code].
func asError(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	if errors.Is(err, detect.ErrTooLong) {
		return &Error{CodeTooLarge, err.Error()}
	}
	return &Error{trust.Code(err), err.Error()}
}
