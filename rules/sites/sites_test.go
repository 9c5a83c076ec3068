// SPDX-License-Identifier: Apache-2.0

package sites_test

import (
	"bytes"
	"io/fs"
	"testing"

	"haechi/rules"
	"haechi/rules/sites"
)

// TestSitesAreCanonical: every shipped site is valid and equal to its own
// format, so that a diff shows what was meant; and no two claim one address.
func TestSitesAreCanonical(t *testing.T) {
	all, err := sites.All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no sites")
	}
	owner := map[string]string{}
	for _, s := range all {
		b, err := fs.ReadFile(sites.Files(), s.ID+".json")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, rules.FormatSite(s)) {
			t.Errorf("%s.json is not in canonical form; run dist/haechi rules fmt rules/sites/*.json", s.ID)
		}
		for _, m := range s.Matches {
			if other := owner[m]; other != "" {
				t.Errorf("%s is claimed by %s and %s", m, other, s.ID)
			}
			owner[m] = s.ID
		}
	}
}
