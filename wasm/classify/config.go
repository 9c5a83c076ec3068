// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"haechi/rules"
	"haechi/wasm/detect"
)

// config is what is read of a model's config.json: what Hugging Face writes,
// and what Haechi needs beside it.
type config struct {
	Labels    map[string]string `json:"id2label"`
	MaxTokens int               `json:"max_position_embeddings"`
	Pieces    int               `json:"vocab_size"` // 0 where it is not said
	Padding   int               `json:"pad_token_id"`
	Haechi    struct {
		ID          string             `json:"id"`
		Labels      map[string]string  `json:"labels"` // the model's name → ours, where they differ
		Temperature float64            `json:"temperature"`
		Thresholds  map[string]float64 `json:"thresholds"` // see detect.Model
		Unseen      map[string]float64 `json:"unseen"`
		Answer      float64            `json:"answer"`
		Topics      []string           `json:"topics"`
	} `json:"haechi"`
}

// maxTokens bounds max_position_embeddings: memory and time grow with it.
const maxTokens = 1 << 13

func readConfig(folder string) (config, error) {
	path := folder + "/config.json"
	var c config
	b, err := read(folder, "config.json")
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("classifier: %s: %w", path, err)
	}
	if err := c.check(); err != nil {
		return c, fmt.Errorf("classifier: %s: %w", path, err)
	}
	return c, nil
}

func (c *config) check() error {
	if _, err := c.columns(); err != nil {
		return err
	}
	if c.MaxTokens < 2 || c.MaxTokens > maxTokens {
		return fmt.Errorf("max_position_embeddings is %d; it must lie between 2 and %d tokens", c.MaxTokens, maxTokens)
	}
	if c.Padding < 0 || c.Pieces < 0 || c.Pieces > 0 && c.Padding >= c.Pieces {
		return fmt.Errorf("pad_token_id is %d of vocab_size %d", c.Padding, c.Pieces)
	}
	if c.Haechi.ID == "" || c.Haechi.Temperature <= 0 {
		return fmt.Errorf("haechi.id must be set and haechi.temperature be above 0, as in wasm/model/config.json; a model that was not calibrated has temperature 1")
	}
	if c.Haechi.Answer < 0 || c.Haechi.Answer >= 1 {
		return fmt.Errorf("haechi.answer is %v; it must be at least 0 and below 1", c.Haechi.Answer)
	}
	for _, tier := range []string{rules.TierFalse, rules.TierContested, rules.TierFraming} {
		for name, t := range map[string]float64{"thresholds": c.Haechi.Thresholds[tier], "unseen": c.Haechi.Unseen[tier]} {
			if t <= 0 || t >= 1 {
				return fmt.Errorf("haechi.%s.%s is %v; it must lie between 0 and 1", name, tier, t)
			}
		}
	}
	return nil
}

// absent is the column of a label that the model does not tell.
const absent = -1

// columns says where the model's logit of each of our labels is. A model may
// have them in any order, name them otherwise, and lack some: what it cannot
// tell is never found. It must tell who asserts from at least one other.
func (c *config) columns() (at [len(detect.Labels)]int, err error) {
	for i := range at {
		at[i] = absent
	}
	taken := maps.Clone(c.Haechi.Labels)
	for i := range len(c.Labels) {
		name, ok := c.Labels[fmt.Sprint(i)]
		if !ok {
			return at, fmt.Errorf("id2label has %d labels, and none is %d; they must be counted from 0", len(c.Labels), i)
		}
		ours, renamed := c.Haechi.Labels[name]
		if delete(taken, name); !renamed {
			ours = name
		}
		k := slices.Index(detect.Labels[:], ours)
		if k < 0 {
			return at, fmt.Errorf("id2label: %q is none of %v; say in haechi.labels which of them it means, as {%q: %q}", ours, detect.Labels, name, detect.Labels[0])
		}
		if at[k] != absent {
			return at, fmt.Errorf("id2label: two labels mean %q", ours)
		}
		at[k] = i
	}
	for name := range taken {
		return at, fmt.Errorf("haechi.labels names %q, which id2label does not have", name)
	}
	if at[detect.Asserts] == absent || len(c.Labels) < 2 {
		return at, fmt.Errorf("id2label has %d labels; %q and at least one more of %v are needed", len(c.Labels), detect.Labels[detect.Asserts], detect.Labels)
	}
	return at, nil
}

// describe is what the engine needs to know.
func (c config) describe() detect.Model {
	m := detect.Model{ID: c.Haechi.ID, Temperature: c.Haechi.Temperature, Thresholds: c.Haechi.Thresholds, Unseen: c.Haechi.Unseen, Answer: c.Haechi.Answer, Topics: map[string]bool{}}
	for _, topic := range c.Haechi.Topics {
		m.Topics[topic] = true
	}
	return m
}
