// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"encoding/json"
	"fmt"
	"os"

	"haechi/rules"
	"haechi/wasm/detect"
)

// config is what is read of a model's config.json: the standard label map, and
// what Haechi needs beside it.
type config struct {
	Labels    map[string]string `json:"id2label"`
	MaxTokens int               `json:"max_position_embeddings"`
	Haechi    struct {
		ID          string             `json:"id"`
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
	b, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("classifier: %w", err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("classifier: %s: %w", path, err)
	}
	for i, want := range detect.Labels {
		if got := c.Labels[fmt.Sprint(i)]; got != want || len(c.Labels) != len(detect.Labels) {
			return c, fmt.Errorf("classifier: %s: id2label must map 0 to %d to %v; label %d is %q of %d", path, len(detect.Labels)-1, detect.Labels, i, got, len(c.Labels))
		}
	}
	if c.MaxTokens < 2 || c.MaxTokens > maxTokens {
		return c, fmt.Errorf("classifier: %s: max_position_embeddings is %d; it must lie between 2 and %d tokens", path, c.MaxTokens, maxTokens)
	}
	if c.Haechi.ID == "" || c.Haechi.Temperature <= 0 {
		return c, fmt.Errorf("classifier: %s: haechi.id must be set and haechi.temperature be above 0", path)
	}
	if c.Haechi.Answer < 0 || c.Haechi.Answer >= 1 {
		return c, fmt.Errorf("classifier: %s: haechi.answer is %v; it must be at least 0 and below 1", path, c.Haechi.Answer)
	}
	for _, tier := range []string{rules.TierFalse, rules.TierContested, rules.TierFraming} {
		for name, t := range map[string]float64{"thresholds": c.Haechi.Thresholds[tier], "unseen": c.Haechi.Unseen[tier]} {
			if t <= 0 || t >= 1 {
				return c, fmt.Errorf("classifier: %s: haechi.%s.%s is %v; it must lie between 0 and 1", path, name, tier, t)
			}
		}
	}
	return c, nil
}

// describe is what the engine needs to know.
func (c config) describe() detect.Model {
	m := detect.Model{ID: c.Haechi.ID, Temperature: c.Haechi.Temperature, Thresholds: c.Haechi.Thresholds, Unseen: c.Haechi.Unseen, Answer: c.Haechi.Answer, Topics: map[string]bool{}}
	for _, topic := range c.Haechi.Topics {
		m.Topics[topic] = true
	}
	return m
}
