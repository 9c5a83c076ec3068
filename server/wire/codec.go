// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"haechi/rules/trust"
)

var (
	// ErrUnknown is a frame type that this version does not know: a client
	// passes over it, a server says bye.
	ErrUnknown = errors.New("unknown frame type")
	// ErrMalformed is a message that is no frame.
	ErrMalformed = errors.New("malformed frame")
)

func (Hello) kind() string     { return "hello" }
func (Head) kind() string      { return "head" }
func (Since) kind() string     { return "since" }
func (Full) kind() string      { return "full" }
func (Log) kind() string       { return "log" }
func (Delta) kind() string     { return "delta" }
func (Snapshot) kind() string  { return "snapshot" }
func (Heartbeat) kind() string { return "heartbeat" }
func (Bye) kind() string       { return "bye" }

// Encode returns the bytes of a frame, without a newline.
func Encode(f Frame) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the canonical pack within a snapshot must stay as it is
	if err := e.Encode(f); err != nil {
		// Only a Snapshot whose Pack is not JSON gets here, which check refuses.
		panic(fmt.Sprintf("wire: %s: %v", f.kind(), err))
	}
	if f.kind() == "log" {
		return bytes.TrimRight(b.Bytes(), "\n") // trust.Evidence names its type itself
	}
	fields := bytes.TrimRight(b.Bytes(), "\n")[1:] // without the opening brace
	head := fmt.Sprintf(`{"type":%q`, f.kind())
	if len(fields) > 1 {
		head += ","
	}
	return append([]byte(head), fields...)
}

// Decode reads one frame and checks that its fields are there and in range.
func Decode(data []byte) (Frame, error) {
	if len(data) > MaxFrame {
		return nil, fmt.Errorf("wire: %w: %d bytes", ErrMalformed, len(data))
	}
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("wire: %w: %w", ErrMalformed, err)
	}
	switch head.Type {
	case "hello":
		return decode[Hello](data)
	case "head":
		return decode[Head](data)
	case "since":
		return decode[Since](data)
	case "full":
		return decode[Full](data)
	case "log":
		return decode[Log](data)
	case "delta":
		return decode[Delta](data)
	case "snapshot":
		return decode[Snapshot](data)
	case "heartbeat":
		return decode[Heartbeat](data)
	case "bye":
		return decode[Bye](data)
	}
	return nil, fmt.Errorf("wire: %w: %.40q", ErrUnknown, head.Type)
}

func decode[F Frame](data []byte) (Frame, error) {
	var f F
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("wire: %w: %s: %w", ErrMalformed, f.kind(), err)
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("wire: %w: %s: %w", ErrMalformed, f.kind(), err)
	}
	return f, nil
}

func (f Hello) check() error {
	switch {
	case f.Protocol < 1:
		return errors.New("protocol missing")
	case f.Protocol != Protocol:
		return nil // of another version: its fields are not ours to judge
	case f.Channel != trust.Stable && f.Channel != trust.Preview:
		return fmt.Errorf("channel %.20q", f.Channel)
	}
	return checkPosition(f.Sequence, f.Pack, f.Log)
}

func (f Head) check() error {
	if f.Rollout < 0 || f.Rollout > trust.Everyone || f.Settled > f.Sequence {
		return fmt.Errorf("rollout %d, settled %d of %d", f.Rollout, f.Settled, f.Sequence)
	}
	return errors.Join(checkPosition(f.Sequence, f.Pack, f.Log), checkPosition(f.Settled, f.SettledPack, f.Log))
}

func (f Since) check() error {
	if f.To < f.Sequence {
		return fmt.Errorf("from %d to %d", f.Sequence, f.To)
	}
	return checkPosition(f.To, f.Pack, f.Log)
}

func (f Full) check() error {
	if f.To > trust.MaxSequence || f.Log > trust.MaxSequence {
		return fmt.Errorf("to %d, log %d", f.To, f.Log)
	}
	return nil
}

func (f Log) check() error {
	switch {
	case f.From > trust.MaxSequence:
		return fmt.Errorf("from %d", f.From)
	case f.Key == "" || f.Checkpoint == "":
		return errors.New("key or checkpoint missing")
	}
	return nil
}

func (f Heartbeat) check() error { return nil }

func (f Delta) check() error {
	switch {
	case f.From >= f.To || f.To > trust.MaxSequence:
		return fmt.Errorf("from %d to %d", f.From, f.To)
	case f.Release == "":
		return errors.New("release missing")
	case f.Changes == nil:
		return errors.New("changes missing")
	}
	return nil
}

func (f Snapshot) check() error {
	switch {
	case f.Sequence > trust.MaxSequence:
		return fmt.Errorf("sequence %d", f.Sequence)
	case (f.Release == "") != (f.Sequence == 0):
		return errors.New("release: only sequence 0 has none")
	case len(f.Pack) == 0 || f.Pack[0] != '{':
		return errors.New("pack missing")
	}
	return nil
}

func (f Bye) check() error {
	if f.Code == "" || f.RetryMS < 0 {
		return errors.New("code or retry_ms")
	}
	return nil
}

func checkPosition(sequence uint64, pack string, log uint64) error {
	if sequence > trust.MaxSequence || log > trust.MaxSequence {
		return fmt.Errorf("sequence %d, log %d", sequence, log)
	}
	if !trust.IsHash(pack) {
		return fmt.Errorf("pack %.70q is no hash", pack)
	}
	return nil
}
