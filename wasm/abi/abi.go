// SPDX-License-Identifier: Apache-2.0

// Package abi is what crosses the border of the wasm: make a [Session] and
// give [Session.Call] each request; it answers with JSON.
//
// Bytes that are no JSON follow it, behind one line feed: those of a prepared
// index, whose length the JSON says. Only the operations rules and index have any.
//
// The same code runs natively in tests. Offsets are counted in bytes inside
// and turned into UTF-16 units here, once, for JavaScript.
package abi

import (
	"encoding/json"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/wasm/detect"
)

// Version is what haechi_abi returns. It changes when a host that was written
// for the one before would go wrong.
const Version = 3

// Request is one call. Op says which fields count.
type Request struct {
	Op string `json:"op"` // load, rules, index, update, check, classify, card or info

	// load: the folder of the classifier, as the host preopened it.
	Dir string `json:"dir,omitempty"`

	// rules: a pack the host trusts, because it came with the package or from
	// its own storage, and for the latter the memory that was stored with it.
	Pack   json.RawMessage `json:"pack,omitempty"`
	Memory string          `json:"memory,omitempty"`
	// Index is the length of a prepared index that follows the request; the
	// pack then follows that, in its canonical form, in place of Pack. An index
	// that cannot be used is left aside, and the pack is read instead.
	Index int `json:"index,omitempty"`

	// update: frames from the network, to be verified before they count. Without
	// Frame only what is known of the log grows.
	Trust  *trust.Root     `json:"trust,omitempty"`
	Now    int64           `json:"now,omitempty"` // Unix seconds
	Client trust.Client    `json:"client,omitzero"`
	Log    json.RawMessage `json:"log,omitempty"`
	Frame  json.RawMessage `json:"frame,omitempty"`

	// check: an answer as light Markdown.
	Text     string `json:"text,omitempty"`
	Question string `json:"question,omitempty"`
	Tiers    string `json:"tiers,omitempty"` // "AB" where empty
	Units    string `json:"units,omitempty"` // utf8 (default) or utf16

	// classify: masked sentences, as the engine's candidates write them.
	Inputs []string `json:"inputs,omitempty"`

	// card: what to tell about a finding.
	Rule        string `json:"rule,omitempty"`
	Proposition string `json:"proposition,omitempty"`
	Lang        string `json:"lang,omitempty"`
}

// Answer holds OK or Error, never both.
type Answer struct {
	OK    any    `json:"ok,omitempty"`
	Error *Error `json:"error,omitempty"`
}

// Error tells the host what to do by Code and a person what is wrong by Message.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Message }

// Codes of errors. Those of a refused update are what [trust.Code] says:
// unsigned, fork (tell the user), expired, rollback, others, gap, log and
// mismatch (ask for a snapshot once) beside these.
const (
	CodeUsage    = "usage" // the request is not of the form: mend the host
	CodeTooLarge = "too-large"
	CodeInvalid  = "invalid"
	CodeModel    = "model" // the classifier cannot be loaded or failed; patterns still flag
)

// Loaded answers load.
type Loaded struct {
	Model  string   `json:"model"`
	Labels []string `json:"labels"`
}

// Ruled answers rules.
type Ruled struct {
	Rules    int    `json:"rules"`
	Hash     string `json:"hash"`
	Prepared bool   `json:"prepared"` // by the index that came with the request
}

// Indexed answers index: the prepared index of the rules in use follows the
// answer, to be stored with the pack and given back at the next start of the
// same engine. It makes that start several times faster.
type Indexed struct {
	Index int `json:"index"` // bytes
}

// Updated answers update: what the host stores. Times are RFC 3339.
type Updated struct {
	Sequence uint64 `json:"sequence"`
	Release  string `json:"release"` // hash of the release's text
	Created  string `json:"created"` // of the release; empty for the packaged rules
	Expires  string `json:"expires"`
	Checked  string `json:"checked"` // of the newest checkpoint: how fresh the rules are known to be
	Log      uint64 `json:"log"`     // releases of the log that were seen
	Hash     string `json:"hash"`
	Rules    int    `json:"rules"`
	Pack     string `json:"pack"`   // canonical bytes; empty where the rules did not change
	Memory   string `json:"memory"` // to be given back with the pack, unread
	// Sites of a pack that changed, so that the host need not read it.
	Sites []rules.Site `json:"sites"`
}

// Checked answers check.
type Checked struct {
	Findings []Finding `json:"findings"`
	Model    string    `json:"model"`
	Rules    string    `json:"rules"` // hash of the pack
	Sequence uint64    `json:"sequence"`
	Degraded bool      `json:"degraded"` // no classifier: only patterns flag
}

// Classified answers classify: the classifier's raw logits, one row an input,
// in the order of [detect.Labels].
type Classified struct {
	Logits []detect.Logits `json:"logits"`
}

// Finding is one flagged sentence.
type Finding struct {
	Quote       string             `json:"quote"`
	Start       int                `json:"start"`
	End         int                `json:"end"`
	Rule        string             `json:"rule"`
	Proposition string             `json:"proposition"`
	Verdict     string             `json:"verdict"` // distortion, one-sided or framing
	Tier        string             `json:"tier"`
	Score       float64            `json:"score"`
	Stance      map[string]float64 `json:"stance,omitempty"`
}

// Card answers card, in one language.
type Card struct {
	Rule        string         `json:"rule"`
	Proposition string         `json:"proposition"`
	Tier        string         `json:"tier"`
	Verdict     string         `json:"verdict"`
	Title       string         `json:"title"`
	Claim       string         `json:"claim"`
	Correction  string         `json:"correction"`
	Positions   []CardPosition `json:"positions"`
	Sources     []rules.Source `json:"sources"`
	Rules       string         `json:"rules"`
	Sequence    uint64         `json:"sequence"`
	Model       string         `json:"model"`
}

// CardPosition is what one side of a contested matter holds.
type CardPosition struct {
	Holder string `json:"holder"`
	Text   string `json:"text"`
}

// Info answers info.
type Info struct {
	ABI      int    `json:"abi"`
	Rules    int    `json:"rules"`
	Hash     string `json:"hash"`
	Sequence uint64 `json:"sequence"`
	Model    string `json:"model"`
	Degraded bool   `json:"degraded"`
}
