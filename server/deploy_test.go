// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	anyFlag   = regexp.MustCompile(`(?:^|[\s"` + "`" + `=])--([a-z][a-z-]*)`)
	anyMetric = regexp.MustCompile(`\bhaechi_[a-z_]+`)
)

// What an operator is told to type or to watch exists.
func TestOperatingDocumentsNameWhatExists(t *testing.T) {
	var known strings.Builder
	for _, args := range []string{"serve", "backup", "restore", "keys new", "keys root", "keys lend", "rules push", "log verify", "log show", "review invite", "cluster", "mirror"} {
		dispatch("haechi", subcommands, append(strings.Fields(args), "--help"), nil, &known, &known)
	}
	s := newSite(t)
	s.publish(t, "a", "b", "c")
	c := newCitizen(t, s, "a", "b")
	c.mustFollow(t, 1, "a", "b", "c")
	s.post(t, "refused")
	m := s.api.metrics
	m.byes.WithLabelValues("slow")
	m.refused.WithLabelValues("stale")
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	metrics := map[string]bool{}
	for _, f := range families {
		metrics[f.GetName()] = true
	}
	flags, watched := 0, 0
	for _, file := range []string{"OPERATING.md", "SCALING.md", "deploy/haechi.service", "deploy/Dockerfile"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			other := strings.Contains(line, "systemctl") || strings.Contains(line, "curl") || strings.Contains(line, "chown") || strings.HasPrefix(line, "COPY") // programs with flags of their own
			for _, m := range anyFlag.FindAllStringSubmatch(line, -1) {
				if flags++; !other && m[1] != "help" && !strings.Contains(known.String(), "--"+m[1]) {
					t.Errorf("%s: --%s is no flag of haechi: %s", file, m[1], line)
				}
			}
			for _, name := range anyMetric.FindAllString(line, -1) {
				if watched++; !metrics[name] {
					t.Errorf("%s: no metric %s", file, name)
				}
			}
		}
	}
	if flags < 20 || watched < 10 {
		t.Errorf("saw only %d flags and %d metrics", flags, watched)
	}
}

// systemd understands the unit.
func TestUnitIsValid(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze")
	}
	unit, err := os.ReadFile("deploy/haechi.service")
	if err != nil {
		t.Fatal(err)
	}
	// The command need not be installed where the tests run.
	file := filepath.Join(t.TempDir(), "haechi.service")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(unit), "/usr/local/bin/haechi", "/bin/true")), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", file).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}
