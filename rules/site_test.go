// SPDX-License-Identifier: Apache-2.0

package rules_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"haechi/rules"
	"haechi/rules/data"
	"haechi/rules/sites"
)

func allSites(t testing.TB) []rules.Site {
	t.Helper()
	all, err := sites.All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestParseSiteNamesFileSiteAndField(t *testing.T) {
	site := allSites(t)[0]
	good := rules.FormatSite(site)
	if again, err := rules.ParseSite("a.json", good); err != nil || !reflect.DeepEqual(again, site) || !rules.IsSite(good) {
		t.Fatalf("a site changes when it is written and read: %v", err)
	}
	edit := func(field string, value any) []byte {
		var m map[string]any
		if err := json.Unmarshal(good, &m); err != nil {
			t.Fatal(err)
		}
		m[field] = value
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	many := make([]string, rules.MaxSelectors+1)
	for i := range many {
		many[i] = fmt.Sprintf(".a%d", i)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"not JSON":          {[]byte("{\n\"id\": }"), "x.json:2:"},
		"unknown field":     {edit("script", "alert(1)"), `unknown field "script"`},
		"two sites":         {append(bytes.Clone(good), good...), "one file holds one site"},
		"bad id":            {edit("id", "Chat!"), `site "Chat!": id:`},
		"no name":           {edit("name", " "), "name:"},
		"no day":            {edit("verified", "2026-13-01"), "verified:"},
		"http":              {edit("matches", []string{"http://chatgpt.com/*"}), "matches[0]:"},
		"every host":        {edit("matches", []string{"https://*/*"}), "matches[0]:"},
		"host pattern":      {edit("matches", []string{"https://*.example.com/*"}), "matches[0]:"},
		"no matches":        {edit("matches", []string{}), "matches: missing"},
		"no answer":         {edit("answer", []string{}), "answer: missing"},
		"no body":           {edit("body", []string{}), "body: missing"},
		"empty selector":    {edit("skip", []string{""}), "skip[0]:"},
		"twice":             {edit("skip", []string{".a", ".a"}), "skip[1]:"},
		"long selector":     {edit("skip", []string{"." + strings.Repeat("a", rules.MaxSelector)}), "skip[0]: 201 characters"},
		"many selectors":    {edit("busy", many), "busy: 13;"},
		"open bracket":      {edit("answer", []string{`[a="b"`}), "answer[0]:"},
		"closed bracket":    {edit("answer", []string{`a)`}), "answer[0]:"},
		"open quotation":    {edit("answer", []string{`[a="b]`}), "answer[0]:"},
		"comma":             {edit("answer", []string{`a,`}), "answer[0]:"},
		"style":             {edit("answer", []string{`a{color:red}`}), "answer[0]:"},
		"has, over again":   {edit("answer", []string{":has(a):has(b):has(c)"}), "answer[0]:"},
		"nested too deeply": {edit("answer", []string{":is(:is(:is(:is(:is(a)))))"}), "answer[0]:"},
	} {
		_, err := rules.ParseSite("x.json", c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "x.json") {
			t.Errorf("%s: error %v, want one that names x.json and says %q", name, err, c.want)
		}
	}
}

func TestPackCarriesSitesAndKeepsOldHashes(t *testing.T) {
	rs, err := data.Rules()
	if err != nil {
		t.Fatal(err)
	}
	without, err := rules.NewPack(rs[:3])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(without.Encode(), []byte(`{"format":1,`)) {
		t.Errorf("a pack without sites is %.40s", without.Encode())
	}
	all := allSites(t)
	with, err := rules.NewPack(rs[:3], all...)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(with.Encode(), []byte(`{"format":2,`)) {
		t.Errorf("a pack with sites is %.40s", with.Encode())
	}
	for _, p := range []rules.Pack{without, with} {
		if again, err := rules.ParsePack(p.Encode()); err != nil || again.Hash() != p.Hash() || len(again.Sites) != len(p.Sites) {
			t.Errorf("a pack changes when it is written and read: %v", err)
		}
	}
	if _, err := rules.ParsePack(bytes.Replace(with.Encode(), []byte(`"format":2`), []byte(`"format":1`), 1)); err == nil {
		t.Error("sites in format 1 are read")
	}
	if _, err := rules.NewPack(nil, all[0], all[0]); err == nil {
		t.Error("a site stands twice")
	}
	if s := with.Site(all[0].ID); s == nil || s.Name != all[0].Name || with.Site("nowhere") != nil || !with.Has(rules.SiteKey(all[0].ID)) {
		t.Error("a site is not found by its id")
	}
}

func TestDiffAndApplyMoveSites(t *testing.T) {
	all := allSites(t)
	changed := all[1]
	changed.Verified = "2030-01-01"
	added := all[1]
	added.ID = "zz-new"
	from, err := rules.NewPack(nil, all...)
	if err != nil {
		t.Fatal(err)
	}
	to, err := rules.NewPack(nil, append([]rules.Site{changed, added}, all[2:]...)...) // without all[0]
	if err != nil {
		t.Fatal(err)
	}
	changes := rules.Diff(from, to)
	var keys []string
	for _, c := range changes {
		keys = append(keys, c.Key())
	}
	if want := []string{rules.SiteKey(all[0].ID), rules.SiteKey(all[1].ID), "site/zz-new"}; !reflect.DeepEqual(keys, want) {
		t.Errorf("changes to %v, want %v", keys, want)
	}
	if got, err := rules.Apply(from, changes); err != nil || got.Hash() != to.Hash() {
		t.Errorf("the changes lead to another pack: %v", err)
	}
	broken := all[0]
	broken.Answer = nil
	var invalid *rules.InvalidError
	if _, err := rules.Apply(from, []rules.Change{{PutSite: &broken}}); !errors.As(err, &invalid) {
		t.Errorf("an invalid site gives %v", err)
	}
	for name, c := range map[string]rules.Change{
		"not there": {RemoveSite: "nowhere"},
		"both":      {PutSite: &all[0], RemoveSite: all[0].ID},
	} {
		if _, err := rules.Apply(from, []rules.Change{c}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
