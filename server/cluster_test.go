// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"haechi/rules/trust"
	"haechi/server/cluster"
)

func TestClusterSharesOneLog(t *testing.T) {
	f := newFleet(t, 3, 3)
	f.agree(0)
	for i := range 3 {
		f.mustPush(f.nodes[i], fmt.Sprintf("crash-%d", i))
		f.agree(uint64(i + 1))
		for _, m := range f.nodes {
			f.mustVisit(m, uint64(i+1))
		}
	}
	for _, m := range f.nodes {
		if err := f.inspect(m.url); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
	// A node that is added has everything, and one that was killed comes back.
	fourth := f.add(f.nodes[0].file, filepath.Join(f.home, "node-4"))
	fourth.start(t)
	f.nodes[1].kill(t)
	f.nodes[1].start(t)
	f.mustPush(fourth, "crash-4")
	f.agree(4)
	f.mustVisit(f.nodes[1], 4)
	f.until("the cluster's own view", func() error {
		out, err := exec.Command(fourth.file, "cluster", "--json", "--nats", "nats://"+f.nats[1].addr).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		var roll cluster.Roll
		if err := json.Unmarshal(out, &roll); err != nil {
			return err
		}
		if roll.Head.Sequence != 4 || roll.Replicas != 3 || len(roll.Nodes) != 4 {
			return fmt.Errorf("%s", out)
		}
		for _, n := range roll.Nodes {
			if n.Release != 4 || n.Pack != roll.Head.Pack {
				return fmt.Errorf("%s", out)
			}
		}
		return nil
	})
	f.finish()
}

// One server's releases become the cluster's; and when NATS has lost everything
// the nodes give it back what they have.
func TestOneServerBecomesAClusterAndNATSMayLoseEverything(t *testing.T) {
	f := newFleet(t, 3, 0)
	file := binary(t)
	first := f.add(file, filepath.Join(f.home, "node-1"))
	first.process = serveBinary(t, file, first.dir)
	f.mustPush(first, "crash-0")
	f.mustPush(first, "crash-1")
	f.mustVisit(first, 2)
	first.end(t, syscall.SIGTERM)
	first.start(t)
	second := f.add(file, filepath.Join(f.home, "node-2"))
	second.start(t)
	f.agree(2)
	f.mustVisit(second, 2)
	f.mustPush(second, "crash-2")
	f.agree(3)

	first.kill(t)
	f.nodes = f.nodes[1:]
	f.mustPush(second, "crash-3") // which the first one lacks
	f.mustVisit(second, 4)
	for _, n := range f.nats {
		n.kill()
		if err := os.RemoveAll(strings.TrimSuffix(n.config, ".conf")); err != nil {
			t.Fatal(err)
		}
		n.start(t)
	}
	// A node that runs meanwhile builds nothing on a log that begins anew.
	f.until("the node says what happened", func() error {
		if err := f.push(second, "crash-9"); code(err) != "cut-off" && code(err) != "unsure" {
			t.Fatalf("a push onto nothing: %v", err)
		}
		if status, text := second.readiness(); status != http.StatusServiceUnavailable || !strings.Contains(text, "NATS has lost the log; restart the nodes") {
			return fmt.Errorf("%d %s", status, text)
		}
		return nil
	})
	f.mustVisit(second, 4)
	second.kill(t)
	second.start(t)
	first.start(t)
	f.nodes = []*member{first, second}
	f.agree(4)
	f.mustPush(first, "crash-4")
	f.agree(5)
	f.mustVisit(first, 5)
	f.finish()
}

func TestANodeThatIsCutOffServesOnAndCatchesUp(t *testing.T) {
	for _, dumb := range []bool{false, true} {
		t.Run(map[bool]string{false: "refused", true: "silent"}[dumb], func(t *testing.T) {
			f := newFleet(t, 3, 2)
			here, away := f.nodes[0], f.nodes[1]
			f.mustPush(here, "crash-0")
			f.agree(1)
			f.mustVisit(away, 1)

			away.cut(true, dumb)
			f.until("the node says that it is cut off", func() error {
				status, text := away.readiness()
				if status == http.StatusServiceUnavailable && strings.Contains(text, "cut off from the cluster since") {
					return nil
				}
				return fmt.Errorf("%d %s", status, text)
			})
			if err := f.push(away, "crash-1"); code(err) != "cut-off" && code(err) != "unsure" {
				t.Errorf("a push to the node that is cut off: %v", err)
			}
			f.mustPush(here, "crash-2")
			if err := f.inspect(away.url); err == nil || !strings.Contains(err.Error(), "is lost") {
				t.Errorf("the node that is cut off serves what it cannot know: %v", err)
			}
			f.mustVisit(here, 2)
			if behind, err := f.client.visit(f, away); err != nil || !behind {
				t.Errorf("a client that comes to the node that is behind: %v, %v", behind, err)
			}
			// It starts again without the cluster, from what it had.
			away.kill(t)
			away.start(t)
			if at, err := newRemote(away.url); err != nil {
				t.Fatal(err)
			} else if head, err := at.head(trust.Stable); err != nil || head.Sequence != 1 {
				t.Errorf("after a start while cut off: %+v, %v", head, err)
			}
			stays := &citizen{root: f.root, now: time.Now, state: trust.State{Pack: f.baseline}}
			if err := stays.connect(t.Context(), away.url); err != nil {
				t.Fatal(err)
			}
			defer stays.conn.Close()
			if err := stays.follow(1); err != nil {
				t.Fatal(err)
			}

			away.cut(false, false)
			f.agree(2)
			if err := stays.follow(2); err != nil {
				t.Errorf("a client that stayed: %v", err)
			}
			f.mustPush(away, "crash-3")
			f.finish()
		})
	}
}
