// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"haechi/rules"
	"haechi/rules/trust"
	"haechi/rules/trust/trusttest"
	"haechi/server/wire"
)

var update = flag.Bool("update", false, "write the golden frames")

// golden are the frames in testdata, one a file. ext reads the same files.
func golden(t *testing.T) map[string]wire.Frame {
	base, next := trusttest.Pack(t, "arirang", "hanji"), trusttest.Pack(t, "hanji", "ondol")
	release := trusttest.Sign(t, trusttest.Release(1, nil, next), "haechi-test")
	log := trusttest.NewLog(t, "haechi-test", release)
	proof, err := log.Record(1)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]wire.Frame{
		"hello":             wire.Hello{Protocol: wire.Protocol, Channel: trust.Stable, Sequence: 0, Pack: base.Hash()},
		"head":              wire.Head{Sequence: 1, Pack: next.Hash(), Rollout: 25, Settled: 0, SettledPack: base.Hash(), Log: 1},
		"since":             wire.Since{Sequence: 0, Pack: base.Hash(), To: 1, Log: 0},
		"full":              wire.Full{To: 1, Log: 0},
		"log":               wire.Log(log.Evidence(t, 0)),
		"delta":             wire.Delta{From: 0, To: 1, Release: release, Proof: proof, Changes: rules.Diff(base, next)},
		"snapshot":          wire.Snapshot{Sequence: 1, Release: release, Proof: proof, Pack: next.Encode()},
		"snapshot-baseline": wire.Snapshot{Sequence: 0, Pack: base.Encode()},
		"heartbeat":         wire.Heartbeat{},
		"bye-restart":       wire.ByeRestart,
		"bye-slow":          wire.ByeSlow,
		"bye-limit":         wire.ByeLimit,
		"bye-protocol":      wire.ByeProtocol,
	}
}

func TestFramesEqualTheGoldenFiles(t *testing.T) {
	frames := golden(t)
	for name, frame := range frames {
		path := filepath.Join("testdata", name+".json")
		got := append(wire.Encode(frame), '\n')
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
		back, err := wire.Decode(want)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !bytes.Equal(wire.Encode(back), bytes.TrimSpace(want)) {
			t.Errorf("%s: does not survive decoding: %#v", name, back)
		}
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) != len(frames) {
		t.Errorf("%d golden files for %d frames; remove the orphan (%v)", len(files), len(frames), err)
	}
}

func TestGoldenUpdatesVerify(t *testing.T) {
	root := trusttest.Root(t, 1, "haechi-test")
	base := trust.State{Pack: trusttest.Pack(t, "arirang", "hanji")}
	log, err := os.ReadFile(filepath.Join("testdata", "log.json"))
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := trust.ParseEvidence(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"delta", "snapshot"} {
		frame, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		u, err := trust.ParseUpdate(frame)
		if err != nil {
			t.Fatal(err)
		}
		got, err := trust.Accept(root, trusttest.Now, base, trust.Client{}, evidence, &u)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got.Sequence != 1 || !reflect.DeepEqual(got.Pack, trusttest.Pack(t, "hanji", "ondol")) {
			t.Errorf("%s: led to %+v", name, got)
		}
	}
}

// testdata/bad holds messages, one a line, that both sides must refuse.
func TestDecodeRefusesBadFrames(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad frames: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
			f, err := wire.Decode([]byte(line))
			if !errors.Is(err, wire.ErrMalformed) && !errors.Is(err, wire.ErrUnknown) {
				t.Errorf("%s:%d: got %#v, %v", file, i+1, f, err)
			}
		}
	}
	if _, err := wire.Decode(bytes.Repeat([]byte(" "), wire.MaxFrame+1)); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("giant frame: %v", err)
	}
}

func TestDecodePassesOverUnknownFields(t *testing.T) {
	f, err := wire.Decode([]byte(`{"type":"heartbeat","load":0.5}`))
	if err != nil || f != (wire.Heartbeat{}) {
		t.Errorf("got %#v, %v", f, err)
	}
}

// A snapshot's pack is what was hashed, so no escaping may touch it.
func TestSnapshotKeepsThePackBytes(t *testing.T) {
	r := trusttest.Rule("a")
	r.Title["en"] = `<b> & "c" – 김치`
	pack, err := rules.NewPack([]rules.Rule{r})
	if err != nil {
		t.Fatal(err)
	}
	frame := wire.Encode(wire.Snapshot{Sequence: 1, Release: "x", Pack: pack.Encode()})
	if !bytes.Contains(frame, pack.Encode()) {
		t.Errorf("the canonical pack is not in %s", frame)
	}
	delta := wire.Encode(wire.Delta{From: 0, To: 1, Release: "x", Changes: rules.Diff(rules.Pack{}, pack)})
	if !bytes.Contains(delta, []byte("<b> & ")) {
		t.Errorf("escaped: %s", delta)
	}
}

func TestCloseCodeRangesSayWhatToDo(t *testing.T) {
	for bye, hundred := range map[wire.Bye]int{
		wire.ByeRestart: 40, wire.ByeSlow: 40, wire.ByeLimit: 41, {Code: "of a later server"}: 41, wire.ByeProtocol: 42,
	} {
		if got := bye.CloseCode() / 100; got != hundred {
			t.Errorf("%s closes with %d", bye.Code, bye.CloseCode())
		}
	}
}

func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := wire.Decode(data)
		if err != nil {
			return
		}
		if _, err := wire.Decode(wire.Encode(frame)); err != nil {
			t.Fatalf("%q decodes, but not what it encodes to: %v", data, err)
		}
	})
}
